import { createClient, fetchExchange, gql } from "urql";
import { afterEach, expect, test, vi } from "vitest";
import { pipe, subscribe } from "wonka";
import { Connection, connectionExchange } from "./connection";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a server that answers is not away, whatever a request met", async () => {
  const c = new Connection(async () => true);
  const told = vi.fn();
  c.watch(told);
  await c.doubt();
  expect(told).not.toHaveBeenCalled();
});

test("a page asks anew when the server is back, and only as long as it is shown", async () => {
  vi.useFakeTimers();
  let up = false;
  const c = new Connection(async () => up);
  const fetch = vi.fn(async () => {
    if (!up) throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify({ data: { name: "Ada" } }), { headers: { "Content-Type": "application/json" } });
  });
  const client = createClient({
    url: "http://localhost/graphql",
    exchanges: [connectionExchange(c), fetchExchange],
    fetch,
    preferGetMethod: false,
  });
  const seen: unknown[] = [];
  const shown = pipe(
    client.query(gql("{ name }"), {}),
    subscribe((r) => seen.push(r.data?.name ?? r.error?.message)),
  );
  const left = pipe(
    client.query(gql("{ other }"), {}),
    subscribe(() => {}),
  );
  await vi.waitFor(() => expect(c.isAway()).toBe(true));
  left.unsubscribe();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(c.isAway()).toBe(true);
  fetch.mockClear();
  up = true;
  await vi.advanceTimersByTimeAsync(2000);
  expect(c.isAway()).toBe(false);
  await vi.waitFor(() => expect(seen.at(-1)).toBe("Ada"));
  expect(fetch).toHaveBeenCalledTimes(1);
  shown.unsubscribe();
});
