import { cacheExchange } from "@urql/exchange-graphcache";
import { act, createElement } from "react";
import { createRoot } from "react-dom/client";
import { createClient, fetchExchange, gql, Provider, type TypedDocumentNode, useQuery } from "urql";
import { beforeEach, expect, test, vi } from "vitest";
import { useLasting } from "./lasting";

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
});

const Names: TypedDocumentNode<{ names: string[] }, { of: string }> = gql(
  "query Names($of: String!) { names(of: $of) }",
);

type Answer = "names" | "refused" | "away";

/** A page that shows the names of somebody, by one hook or the other, from a server that answers as it is told. */
async function page(hook: typeof useLasting) {
  let answer: Answer = "names";
  const fetch = vi.fn(async (_: unknown, init?: RequestInit) => {
    if (answer === "away") throw new TypeError("nobody answers");
    const { variables } = JSON.parse(String(init?.body));
    const body =
      answer === "refused" ? { data: null, errors: [{ message: "not now" }] } : { data: { names: [variables.of] } };
    return new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });
  });
  const client = createClient({
    url: "http://localhost/graphql",
    exchanges: [cacheExchange({}), fetchExchange],
    fetch,
    preferGetMethod: false,
  });
  let now = {} as ReturnType<typeof useLasting<{ names: string[] }, { of: string }>>;
  function Page(props: { of: string }) {
    now = hook({ query: Names, variables: { of: props.of } });
    return null;
  }
  const root = createRoot(document.createElement("div"));
  const settled = () => act(async () => vi.waitFor(() => expect(now[0].fetching || now[0].stale).toBe(false)));
  const show = async (of: string) => {
    await act(async () =>
      root.render(createElement(Provider, { value: client, children: createElement(Page, { of }) })),
    );
    await settled();
  };
  return {
    show,
    is: (to: Answer) => {
      answer = to;
    },
    again: async () => {
      const calls = fetch.mock.calls.length;
      await act(async () => now[1]({ requestPolicy: "network-only" }));
      await act(async () => vi.waitFor(() => expect(fetch.mock.calls.length).toBeGreaterThan(calls)));
      await settled();
    },
    shows: () => [now[0].data?.names.join(), Boolean(now[0].error)],
    leave: () => act(async () => root.unmount()),
  };
}

test("what is known stays when asking again fails", async () => {
  for (const failure of ["refused", "away"] as const) {
    const p = await page(useLasting);
    await p.show("ada");
    expect(p.shows()).toEqual(["ada", false]);
    p.is(failure);
    await p.again();
    expect(p.shows(), failure).toEqual(["ada", false]);
    p.is("names");
    await p.again();
    expect(p.shows()).toEqual(["ada", false]);
    await p.leave();
  }
});

test("where nothing is known for the variables, the error is there", async () => {
  const p = await page(useLasting);
  await p.show("ada");
  p.is("refused");
  await p.show("bea");
  expect(p.shows(), "what is known is of somebody else").toEqual([undefined, true]);
  p.is("names");
  await p.again();
  expect(p.shows()).toEqual(["bea", false]);
  await p.leave();
});

test("by itself an answer without data takes away what was known", async () => {
  const p = await page(useQuery as typeof useLasting);
  await p.show("ada");
  p.is("refused");
  await p.again();
  expect(p.shows()[1]).toBe(true);
  await p.leave();
});
