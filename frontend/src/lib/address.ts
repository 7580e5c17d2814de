import { useDebouncedCallback } from "@mantine/hooks";
import { type NavigateOptions, useMatch, useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Search } from "../app/router";

/** How the address changes: replaced instead of a new entry in the history, where the page scrolls to, its part. */
type How = { replace?: boolean; resetScroll?: boolean; hash?: string };

/**
 * What the address says of a page beside its path, and how the page changes that. Each change goes on from the address
 * as it is by then, so that of two at once none is lost. Once somebody has gone to another page, nothing that was
 * begun on this one takes them back, also while the other is still on its way.
 */
export function useAddress() {
  const router = useRouter();
  const search = useSearch({ from: "__root__" });
  const page = useMatch({ strict: false, select: (m) => m.id });
  const change = useCallback(
    (next: Partial<Search>, how?: How) => {
      if (!router.matchRoutes(router.latestLocation).some((m) => m.id === page)) return;
      void router.navigate({
        to: ".",
        search: (before: Search) => ({ ...before, ...next }),
        ...how,
      } as NavigateOptions);
    },
    [router, page],
  );
  return { search, change };
}

/** What the address chooses among these: another word there chooses none of them. */
export const chosen = <Value extends string>(among: readonly Value[], there: string | undefined): Value | null =>
  among.find((one) => one === there) ?? null;

/**
 * A text that somebody types and that stands in the address some moments later. What changes in the address by other
 * means, such as the way back, is shown; the answer to what was typed a moment ago never replaces what was typed since.
 */
export function useAddressText(key: "q" | "f", wait = 250): [string, (text: string) => void] {
  const { search, change } = useAddress();
  const there = search[key] ?? "";
  const [text, setText] = useState(there);
  const sent = useRef<string[]>([]);
  const send = useDebouncedCallback((typed: string) => {
    const next = typed.trim();
    if (next === there) return;
    sent.current.push(next);
    change({ [key]: next || undefined }, { replace: there !== "" });
  }, wait);
  const last = useRef(there);
  useEffect(() => {
    if (there === last.current) return;
    last.current = there;
    const own = sent.current.indexOf(there);
    sent.current.splice(0, own + 1);
    if (own >= 0) return;
    send.cancel();
    setText(there);
  }, [there, send]);
  return [
    text,
    (typed) => {
      setText(typed);
      send(typed);
    },
  ];
}

/**
 * Goes somewhere when something has been done: the function that this gives is called before it is begun, and gives
 * the one that goes. Who has gone elsewhere meanwhile stays there.
 */
export function useGoAfter() {
  const router = useRouter();
  const navigate = useNavigate();
  return useCallback(() => {
    const from = router.latestLocation.pathname;
    return ((to: NavigateOptions) => {
      if (router.latestLocation.pathname === from) void navigate(to);
    }) as typeof navigate;
  }, [router, navigate]);
}
