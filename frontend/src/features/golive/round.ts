import { useEffect, useEffectEvent, useRef } from "react";

/** Reads again what a step shows whenever "Check again" was pressed; what it shows first it has read by itself. */
export function useRound(round: number, read: () => void) {
  const seen = useRef(round);
  const again = useEffectEvent(read);
  useEffect(() => {
    if (seen.current === round) return;
    seen.current = round;
    again();
  }, [round]);
}
