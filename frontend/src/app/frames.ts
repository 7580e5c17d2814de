import type { Exchange, OperationResult } from "urql";
import { make, onEnd, pipe, subscribe, tap } from "wonka";
import type { Frames } from "../lib/frames";

/**
 * Hands what the server sends to the cache, and so to the pages, once per frame, however much it is: the pages render
 * once for all of it. In a list that moves with each event nobody finds another row under the pointer between pressing
 * and releasing.
 */
export const frameExchange =
  (frames: Pick<Frames, "next">): Exchange =>
  ({ forward }) =>
  (operations) =>
    make<OperationResult>((to) => {
      let waiting: OperationResult[] = [];
      const give = () => {
        const now = waiting;
        waiting = [];
        for (const result of now) to.next(result);
      };
      const { unsubscribe } = pipe(
        operations,
        tap((op) => {
          // Nobody listens any more, and the cache has forgotten that it was asked.
          if (op.kind === "teardown") waiting = waiting.filter((r) => r.operation.key !== op.key);
        }),
        forward,
        onEnd(to.complete),
        subscribe((result) => {
          if (waiting.push(result) === 1) frames.next(give);
        }),
      );
      return unsubscribe;
    });
