import { createClient, fetchExchange, gql } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pipe, subscribe } from "wonka";
import { patienceExchange } from "./patience";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A server that refuses the first so many questions. */
function server(refusals: number) {
  const fetch = vi.fn(async () => {
    const refused = { message: "this costs 1605", extensions: { code: "RATE_LIMITED", retryAfter: 8 } };
    const answer = fetch.mock.calls.length <= refusals ? { errors: [refused] } : { data: { name: "Ada" } };
    return new Response(JSON.stringify(answer), { headers: { "Content-Type": "application/json" } });
  });
  const told = vi.fn();
  const client = createClient({
    url: "http://localhost/graphql",
    exchanges: [patienceExchange(told), fetchExchange],
    fetch,
    preferGetMethod: false,
  });
  const seen: string[] = [];
  const listen = (text: string) =>
    pipe(
      client.executeQuery({ query: gql(text), key: 1, variables: {} }),
      subscribe((r) => seen.push(r.data?.name ?? r.error?.message)),
    );
  return { client, fetch, told, seen, listen };
}

test("a question too many is asked again when it may be, and its page is told of no error", async () => {
  const s = server(2);
  const { unsubscribe } = s.listen("{ name }");
  await vi.advanceTimersByTimeAsync(7900);
  expect(s.seen).toEqual([]);
  expect(s.told).toHaveBeenCalledWith(8);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(s.seen).toEqual(["Ada"]);
  expect(s.fetch).toHaveBeenCalledTimes(3);
  unsubscribe();
});

test("whoever has left the page asks no more, and nobody asks for ever", async () => {
  const left = server(9);
  left.listen("{ name }").unsubscribe();
  const { unsubscribe } = left.listen("{ name }");
  await vi.advanceTimersByTimeAsync(1000);
  const calls = left.fetch.mock.calls.length;
  unsubscribe();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(left.fetch).toHaveBeenCalledTimes(calls);

  const s = server(99);
  const shown = s.listen("{ name }");
  await vi.advanceTimersByTimeAsync(120_000);
  expect(s.seen).toEqual(["[GraphQL] this costs 1605"]);
  shown.unsubscribe();
});

test("a change that was refused is told at once", async () => {
  const s = server(9);
  const result = s.client.mutation(gql("mutation { name }"), {}).toPromise();
  await vi.advanceTimersByTimeAsync(10);
  expect((await result).error?.message).toContain("this costs");
  expect(s.fetch).toHaveBeenCalledTimes(1);
});
