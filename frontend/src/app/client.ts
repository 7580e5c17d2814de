import { plural } from "@lingui/core/macro";
import { persistedExchange } from "@urql/exchange-persisted";
import { Client, type Exchange, fetchExchange, mapExchange } from "urql";
import { notifications } from "../lib/notifications";
import { reader } from "../lib/reader";
import { connection, connectionExchange } from "./connection";
import { patienceExchange } from "./patience";

/** One message, however many parts of a page wait; none for a moment's wait. */
function tellPause(seconds: number) {
  if (seconds < 3) return;
  notifications.show({
    id: "pause",
    color: "yellow",
    message: plural(seconds, {
      one: "Too many requests in this minute. The page continues by itself in # second.",
      other: "Too many requests in this minute. The page continues by itself in # seconds.",
    }),
    autoClose: seconds * 1000,
  });
}

/**
 * A new client for each session, so that nothing of the one before stays. As it is, it keeps no answers, which is all
 * that the way in needs; the pages bring more: what stands before the questions go out, and beside the answers.
 */
export function createClient(onSignedOut: () => void, more: { before?: Exchange[]; beside?: Exchange[] } = {}): Client {
  return new Client({
    url: "/graphql",
    requestPolicy: "cache-and-network",
    preferGetMethod: false,
    fetchOptions: () => ({ headers: reader() }),
    exchanges: [
      connectionExchange(connection),
      mapExchange({
        onError(error) {
          const over = ["UNAUTHENTICATED", "SECOND_FACTOR"]; // the gate says what comes next
          if (error.graphQLErrors.some((e) => over.includes(String(e.extensions.code)))) onSignedOut();
        },
      }),
      ...(more.before ?? []),
      patienceExchange(tellPause),
      persistedExchange({
        enforcePersistedQueries: true,
        enableForMutation: true,
        enableForSubscriptions: true,
        preferGetForPersistedQueries: false,
        generateHash: async (_text, document) => (document as unknown as { __meta__: { hash: string } }).__meta__.hash,
      }),
      fetchExchange,
      ...(more.beside ?? []),
    ],
  });
}
