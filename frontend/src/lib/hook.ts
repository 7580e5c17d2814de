import { act, createElement, useState } from "react";
import { createRoot } from "react-dom/client";

/** Runs a hook in a component of its own, for tests. Steps that change something are wrapped in act. */
export function hook<P, R>(use: (props: P) => R, props: NoInfer<P>) {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  let result: R;
  let change: (to: P) => void = () => {};
  function Host() {
    const [now, set] = useState(props);
    change = set;
    result = use(now);
    return null;
  }
  const root = createRoot(document.createElement("div"));
  act(() => root.render(createElement(Host)));
  return {
    now: () => result,
    set: (to: P) => act(() => change(to)),
    leave: () => act(() => root.unmount()),
  };
}
