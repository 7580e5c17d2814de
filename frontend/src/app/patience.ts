import type { Exchange, Operation, OperationResult } from "urql";
import { filter, makeSubject, merge, pipe, tap } from "wonka";

/** How often a question is asked again before its page is told that it was refused. */
const most = 5;

/** How long to wait before a refused question is asked again, in seconds; undefined: it was refused for good. */
function pauseAfter({ operation, error }: OperationResult): number | undefined {
  if (operation.kind !== "query") return undefined; // what changes something is not repeated unasked
  const refused = error?.graphQLErrors.find((e) => e.extensions.code === "RATE_LIMITED");
  return refused && (Number(refused.extensions.retryAfter) || 2);
}

/**
 * The server lets everybody ask so much in a minute. A question that was one too many is asked again when the minute is
 * over, and its page shows meanwhile what it has: it is no error that anybody could do something about.
 */
export const patienceExchange =
  (tell: (seconds: number) => void): Exchange =>
  ({ forward }) =>
  (operations) => {
    const again = makeSubject<Operation>();
    const waiting = new Map<number, { timer?: ReturnType<typeof setTimeout>; times: number }>();
    const asked = pipe(
      operations,
      tap((op) => {
        if (op.kind === "subscription" || op.kind === "mutation") return;
        clearTimeout(waiting.get(op.key)?.timer);
        waiting.delete(op.key);
      }),
    );
    return pipe(
      forward(merge([asked, again.source])),
      filter((result) => {
        const { operation } = result;
        const pause = pauseAfter(result);
        const times = (waiting.get(operation.key)?.times ?? 0) + 1;
        if (pause === undefined || times > most) {
          waiting.delete(operation.key);
          return true;
        }
        tell(pause);
        // Those who wait for the same minute do not all come back in its first moment.
        const timer = setTimeout(() => again.next(operation), pause * 1000 + Math.random() * 500);
        waiting.set(operation.key, { timer, times });
        return false;
      }),
    );
  };
