import { t } from "@lingui/core/macro";
import { notifications } from "@mantine/notifications";
import { cacheExchange } from "@urql/exchange-graphcache";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient as createSocket } from "graphql-ws";
import { Client, fetchExchange, mapExchange, subscriptionExchange } from "urql";
import { Frames } from "../lib/frames";
import { keys, updates } from "./cache";
import { confirmExchange } from "./confirm";
import { conflictExchange } from "./conflict";
import { connection, connectionExchange } from "./connection";
import { frameExchange } from "./frames";
import { patienceExchange } from "./patience";

const socket = createSocket({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`,
  lazy: true,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  on: {
    closed: (event) => {
      if (!(event as CloseEvent).wasClean) void connection.doubt();
    },
  },
});

const frames = new Frames(window);

/** One message, however many parts of a page wait; none for a moment's wait. */
function tellPause(seconds: number) {
  if (seconds < 3) return;
  notifications.show({
    id: "pause",
    color: "yellow",
    message: t`Too many requests in this minute. The page continues by itself in ${seconds} seconds.`,
    autoClose: seconds * 1000,
  });
}

/** A new client for each session, so that nothing of the one before stays. */
export function createClient(onSignedOut: () => void): Client {
  return new Client({
    url: "/graphql",
    requestPolicy: "cache-and-network",
    preferGetMethod: false,
    exchanges: [
      connectionExchange(connection),
      mapExchange({
        onError(error) {
          const over = ["UNAUTHENTICATED", "SECOND_FACTOR"]; // the gate says what comes next
          if (error.graphQLErrors.some((e) => over.includes(String(e.extensions.code)))) onSignedOut();
        },
      }),
      cacheExchange({ keys, updates }),
      frameExchange(frames),
      patienceExchange(tellPause),
      conflictExchange,
      confirmExchange,
      persistedExchange({
        enforcePersistedQueries: true,
        enableForMutation: true,
        enableForSubscriptions: true,
        preferGetForPersistedQueries: false,
        generateHash: async (_text, document) => (document as unknown as { __meta__: { hash: string } }).__meta__.hash,
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query: request.query ?? "", variables: request.variables, extensions: request.extensions },
              {
                next: (value) => sink.next(value as never),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
}
