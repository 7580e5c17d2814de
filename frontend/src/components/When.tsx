import { useEffect, useState } from "react";
import { ago, moment } from "../lib/format";

/** One clock for all: relative times grow old together, once a minute. */
const listeners = new Set<(now: number) => void>();
let ticking: ReturnType<typeof setInterval> | undefined;
function listen(on: (now: number) => void): () => void {
  listeners.add(on);
  ticking ??= setInterval(() => {
    const now = Date.now();
    for (const tell of listeners) tell(now);
  }, 60_000);
  return () => {
    listeners.delete(on);
    if (listeners.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
}

/** How long ago something was; the exact moment on hover. */
export function When(props: { at: string | null | undefined }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => listen(setNow), []);
  if (!props.at) return "–";
  return (
    <time dateTime={props.at} title={moment(props.at)} style={{ whiteSpace: "nowrap" }}>
      {ago(props.at, now)}
    </time>
  );
}
