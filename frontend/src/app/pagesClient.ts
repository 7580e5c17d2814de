import { cacheExchange } from "@urql/exchange-graphcache";
import { createClient as createSocket } from "graphql-ws";
import { type Client, createRequest, type ExecutionResult, ssrExchange, subscriptionExchange } from "urql";
import type { SessionQuery } from "../gql/graphql";
import { Frames } from "../lib/frames";
import { reader } from "../lib/reader";
import { keys, updates } from "./cache";
import { createClient } from "./client";
import { confirmExchange } from "./confirm";
import { conflictExchange } from "./conflict";
import { connection } from "./connection";
import { frameExchange } from "./frames";
import { SessionDocument } from "./session";

const socket = createSocket({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`,
  lazy: true,
  connectionParams: reader,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  on: {
    closed: (event) => {
      if (!(event as CloseEvent).wasClean) void connection.doubt();
    },
  },
});

const frames = new Frames(window);

/** The client of the pages. The session is known already: whoever let them in was told, and it is not asked for again. */
export function createPagesClient(onSignedOut: () => void, session: SessionQuery): Client {
  const { key } = createRequest(SessionDocument, {});
  return createClient(onSignedOut, {
    before: [
      cacheExchange({ keys, updates }),
      frameExchange(frames),
      ssrExchange({ isClient: true, initialState: { [key]: { data: JSON.stringify(session) } } }),
      conflictExchange,
      confirmExchange,
    ],
    beside: [
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query: request.query ?? "", variables: request.variables, extensions: request.extensions },
              {
                next: (value) => sink.next(value as ExecutionResult),
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
