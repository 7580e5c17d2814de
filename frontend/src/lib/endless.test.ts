import { cacheExchange } from "@urql/exchange-graphcache";
import { act, createElement } from "react";
import { createRoot } from "react-dom/client";
import { createClient, fetchExchange, gql, Provider, type TypedDocumentNode } from "urql";
import { beforeEach, expect, test, vi } from "vitest";
import { useEndless } from "./endless";

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
});

type Row = { __typename: string; id: string; name: string };
type Data = { people: { pageInfo: { hasNextPage: boolean; endCursor: string | null }; nodes: Row[] } };
const People: TypedDocumentNode<Data, { search: string; after?: string | null }> = gql(`
  query People($search: String!, $after: String) {
    people(search: $search, after: $after) { pageInfo { hasNextPage endCursor } nodes { id name } }
  }
`);
const Rename = gql(`mutation Rename($id: ID!) { rename(id: $id) { id name } }`);

/** A server with people, whom it gives three at a time. */
function server(ids: string) {
  let people = [...ids];
  let fails = false;
  const name = (id: string) => `Person ${id}`;
  const fetch = vi.fn(async (_: unknown, init?: RequestInit) => {
    const { query, variables } = JSON.parse(String(init?.body));
    if (fails) {
      const refused = JSON.stringify({ data: null, errors: [{ message: "not now" }] });
      return new Response(refused, { headers: { "Content-Type": "application/json" } });
    }
    const from = variables.after ? people.indexOf(variables.after) + 1 : 0;
    const found = people.slice(from, from + 3);
    const nodes = found.map((id) => ({ __typename: "Person", id, name: name(id) }));
    const pageInfo = {
      __typename: "PageInfo",
      hasNextPage: from + 3 < people.length,
      endCursor: found.at(-1) ?? null,
    };
    const data = query.includes("mutation")
      ? { rename: { __typename: "Person", id: variables.id, name: "Renamed" } }
      : { people: { __typename: "PersonConnection", pageInfo, nodes } };
    return new Response(JSON.stringify({ data }), { headers: { "Content-Type": "application/json" } });
  });
  const client = createClient({
    url: "http://localhost/graphql",
    exchanges: [cacheExchange({ keys: { PageInfo: () => null, PersonConnection: () => null } }), fetchExchange],
    fetch,
    preferGetMethod: false,
  });
  return { client, fetch, is: (now: string) => (people = [...now]), fail: (now: boolean) => (fails = now) };
}

/** A page that shows the list. */
async function page(of: ReturnType<typeof server>, search = "") {
  let now = {} as ReturnType<typeof useEndless<Data, { search: string; after?: string | null }, Row>>;
  const shown: string[] = [];
  function Page(props: { search: string }) {
    now = useEndless(People, { search: props.search }, (data) => data.people);
    shown.push(now.rows.map((r) => r.id).join(""));
    return null;
  }
  const root = createRoot(document.createElement("div"));
  const render = (text: string) =>
    act(async () =>
      root.render(createElement(Provider, { value: of.client, children: createElement(Page, { search: text }) })),
    );
  const settled = () => act(async () => vi.waitFor(() => expect(now.fetching).toBe(false)));
  await render(search);
  return {
    now: () => now,
    ids: () => now.rows.map((r) => r.id).join(""),
    first: () => shown[0],
    settled,
    next: async () => {
      await act(async () => now.next());
      await settled();
    },
    again: async () => {
      await act(async () => now.again());
      await act(async () => vi.waitFor(() => expect(now.rows.length).toBeGreaterThan(0)));
    },
    retry: async () => {
      await act(async () => now.retry());
      await settled();
    },
    search: render,
    leave: () => act(async () => root.unmount()),
  };
}

test("a list goes on where it ends, and whoever comes back finds at once all that they had read", async () => {
  const s = server("abcdefgh");
  const p = await page(s, "back");
  await p.settled();
  expect([p.ids(), p.now().more]).toEqual(["abc", true]);
  await p.next();
  await p.next();
  expect([p.ids(), p.now().more]).toEqual(["abcdefgh", false]);
  await p.next();
  expect(s.fetch).toHaveBeenCalledTimes(3);
  await p.leave();
  const back = await page(s, "back");
  expect(back.first()).toBe("abcdefgh");
  expect(s.fetch, "nothing is asked again").toHaveBeenCalledTimes(3);
  await back.leave();
});

test("a change shows in every page that was read", async () => {
  const s = server("abcdef");
  const p = await page(s, "change");
  await p.settled();
  await p.next();
  await act(async () => void (await s.client.mutation(Rename, { id: "b" }).toPromise()));
  expect(p.now().rows.map((r) => r.name)).toContain("Renamed");
  await p.leave();
});

test("another list begins with its first page, and one that is read anew with what the server has", async () => {
  const s = server("abcdef");
  const p = await page(s, "one");
  await p.settled();
  await p.next();
  await p.search("two");
  await p.settled();
  expect(p.ids()).toBe("abc");
  await p.search("one");
  expect(p.ids()).toBe("abcdef");
  s.is("xabcdef");
  await p.again();
  await act(async () => vi.waitFor(() => expect(p.ids()).toBe("xab")));
  await p.next();
  expect(p.ids()).toBe("xabcde");
  await p.leave();
});

test("a page that fails leaves those before it, and is asked for again by itself", async () => {
  const s = server("abcdefgh");
  const p = await page(s, "fails");
  await p.settled();
  await p.next();
  s.fail(true);
  await p.next();
  expect([p.ids(), Boolean(p.now().error), p.now().known]).toEqual(["abcdef", true, true]);
  s.fail(false);
  const asked = s.fetch.mock.calls.length;
  await p.retry();
  expect([p.ids(), p.now().error]).toEqual(["abcdefgh", undefined]);
  expect(s.fetch.mock.calls.length, "only that page").toBe(asked + 1);
  await p.leave();
});

test("a list that is known stays when reading it anew fails", async () => {
  const s = server("abcdef");
  const p = await page(s, "anew");
  await p.settled();
  await p.leave();
  s.fail(true);
  const back = await page(s, "anew");
  await act(async () => vi.waitFor(() => expect(s.fetch).toHaveBeenCalledTimes(2)));
  await back.settled();
  expect([back.ids(), back.now().error]).toEqual(["abc", undefined]);
  await act(async () => back.now().again());
  await back.settled();
  expect(back.ids(), "also when somebody asks for it").toBe("abc");
  expect(back.now().error, "and they are told").toBeDefined();
  s.fail(false);
  await back.retry();
  expect([back.ids(), back.now().error]).toEqual(["abc", undefined]);
  await back.leave();
});
