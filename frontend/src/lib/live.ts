import { useEffect, useRef } from "react";
import { type AnyVariables, type TypedDocumentNode, useClient } from "urql";
import { pipe, subscribe } from "wonka";

/**
 * Calls fn at once and then, for whatever is asked meanwhile, once more when ms have passed: however many ask, it runs
 * at most once in that time, and never misses the last.
 */
export function paced(fn: () => void, ms: number): { ask: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let again = false;
  const run = () => {
    fn();
    timer = setTimeout(() => {
      timer = undefined;
      if (!again) return;
      again = false;
      run();
    }, ms);
  };
  return {
    ask: () => {
      if (timer) again = true;
      else run();
    },
    stop: () => clearTimeout(timer),
  };
}

/**
 * Listens to a subscription without rendering for each event: heard is called for the first, and then at most once in
 * ms, however many come.
 */
export function useHeard<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  heard: () => void,
  ms = 1000,
) {
  const client = useClient();
  const call = useRef(heard);
  call.current = heard;
  const text = JSON.stringify(variables);
  // Variables are compared by what they hold.
  useEffect(() => {
    const calls = paced(() => call.current(), ms);
    const { unsubscribe } = pipe(
      client.subscription(document, variables),
      subscribe(() => calls.ask()),
    );
    return () => {
      unsubscribe();
      calls.stop();
    };
  }, [client, document, text, ms]);
}
