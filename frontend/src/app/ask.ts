import type { Client, Exchange, Operation, OperationResult } from "urql";
import { filter, makeSubject, merge, pipe } from "wonka";

/**
 * An exchange that asks a person about some of the server's answers before whoever waits for them has them. about gives
 * the question, or nothing when there is none. The question gives the answer that goes on, or what is sent instead; one
 * that cannot be asked lets the answer go on as it came.
 */
export const askExchange =
  (
    about: (result: OperationResult, client: Client) => (() => Promise<OperationResult | Operation>) | undefined,
  ): Exchange =>
  ({ client, forward }) => {
    const given = makeSubject<OperationResult>();
    const final = (result: OperationResult) => {
      const question = about(result, client);
      if (!question) return true;
      question()
        .catch(() => result)
        .then((next) => ("operation" in next ? given.next(next) : client.reexecuteOperation(next)));
      return false;
    };
    return (operations) => merge([pipe(operations, forward, filter(final)), given.source]);
  };
