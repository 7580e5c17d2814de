import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
} from "@tanstack/react-router";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Search } from "../app/router";
import { chosen, useAddress, useAddressText, useGoAfter } from "./address";

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  vi.stubGlobal("scrollTo", () => {});
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A list with a search, a page of each of its things that takes its time, and a page that is there at once. */
async function pages(at = "/list?status=open") {
  let list = {} as ReturnType<typeof useAddress> & { text: string; type: (t: string) => void; after: () => Go };
  type Go = ReturnType<ReturnType<typeof useGoAfter>>;
  const root = createRootRoute({
    component: Outlet,
    validateSearch: (s: Record<string, unknown>): Search => ({
      q: s.q as string | undefined,
      status: s.status as string | undefined,
    }),
  });
  const layout = createRoute({
    getParentRoute: () => root,
    path: "/list",
    component: function List() {
      const address = useAddress();
      const [text, type] = useAddressText("q");
      const after = useGoAfter();
      list = { ...address, text, type, after };
      return null;
    },
  });
  let arrive = () => {};
  const slow = createRoute({
    getParentRoute: () => root,
    path: "/things/$id",
    loader: () => new Promise<void>((done) => (arrive = done)),
    component: () => null,
  });
  const router = createRouter({
    routeTree: root.addChildren([
      layout.addChildren([
        createRoute({ getParentRoute: () => layout, path: "/" }),
        createRoute({ getParentRoute: () => layout, path: "$id" }),
      ]),
      slow,
    ]),
    history: createMemoryHistory({ initialEntries: [at] }),
    defaultPendingMs: 60_000,
  });
  const host = createRoot(document.createElement("div"));
  const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
  await act(async () => host.render(<RouterProvider router={router as never} />));
  await wait(10);
  return {
    list: () => list,
    wait,
    to: (to: string) => act(async () => void router.navigate({ to } as never)),
    back: () => act(async () => router.history.back()),
    arrive: () => act(async () => arrive()),
    address: () => {
      const { pathname, search } = router.latestLocation;
      return [
        pathname,
        ...Object.entries(search)
          .filter(([, v]) => v !== undefined)
          .map(([k, v]) => `${k}=${v}`)
          .sort(),
      ].join(" ");
    },
    leave: () => act(() => host.unmount()),
  };
}

test("what was typed reaches the address, beside what stands there", async () => {
  const p = await pages();
  await act(async () => p.list().type("Ann "));
  await p.wait(300);
  expect(p.address()).toBe("/list q=Ann status=open");
  await act(async () => p.list().type(""));
  await p.wait(300);
  expect(p.address()).toBe("/list status=open");
  p.leave();
});

test("a page that somebody has left for another takes them back by nothing that was typed in it", async () => {
  const p = await pages();
  await act(async () => p.list().type("Ann"));
  await p.wait(100);
  await p.to("/things/7");
  await p.wait(1000); // the page is on its way, the list is still shown
  expect(p.address()).toBe("/things/7");
  await act(async () => p.list().change({ status: "closed" }));
  expect(p.address()).toBe("/things/7");
  await p.arrive();
  await p.wait(1000);
  expect(p.address()).toBe("/things/7");
  p.leave();
});

test("of two changes at once none is lost, and a thing that is opened in the same page stays open", async () => {
  const p = await pages();
  await act(async () => p.list().type("Ann"));
  await p.to("/list/7?status=open");
  await act(async () => {
    const { change } = p.list();
    change({ status: "closed" });
    change({ label: "3" });
  });
  await p.wait(300);
  expect(p.address()).toBe("/list/7 label=3 q=Ann status=closed");
  p.leave();
});

test("the answer to what was typed does not replace what was typed since, and the way back does", async () => {
  const p = await pages();
  await act(async () => p.list().type("An"));
  await p.wait(250);
  await act(async () => p.list().type("Anna"));
  await p.wait(100);
  expect(p.address()).toBe("/list q=An status=open");
  expect(p.list().text).toBe("Anna");
  await p.wait(300);
  expect(p.address()).toBe("/list q=Anna status=open");
  await p.back();
  await p.wait(10);
  expect(p.address()).toBe("/list status=open");
  expect(p.list().text).toBe("");
  p.leave();
});

test("what takes its time leads nobody away from where they have gone meanwhile", async () => {
  const p = await pages();
  const first = p.list().after();
  await act(async () => void first({ to: "/list/8" } as never));
  expect(p.address()).toBe("/list/8");
  const late = p.list().after();
  await p.to("/things/7");
  await act(async () => void late({ to: "/list/9" } as never));
  expect(p.address()).toBe("/things/7");
  p.leave();
});

test("no page keeps a way of its own to write into the address later, or from what it has rendered", () => {
  const sources = import.meta.glob<string>("../**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
  expect(Object.keys(sources).length).toBeGreaterThan(100);
  const own = Object.entries(sources).filter(
    ([path, text]) =>
      !path.includes("address") &&
      (text.includes("useDebouncedCallback") || /search:? ?=?\{?\{ \.\.\.(props\.)?search\b/.test(text)),
  );
  expect(own.map(([path]) => path)).toEqual([]);
});

test("the address chooses among what there is, and nothing by the name of what every object has", () => {
  const among = ["open", "closed"] as const;
  expect(chosen(among, "closed")).toBe("closed");
  for (const other of [undefined, "", "OPEN", "constructor", "toString"]) expect(chosen(among, other)).toBeNull();
});
