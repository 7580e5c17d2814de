import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { Client, gql, type Operation, type OperationResult, Provider, useSubscription } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeSubject, merge, pipe, subscribe } from "wonka";
import { Frames } from "../lib/frames";
import { frameExchange } from "./frames";

type Timers = NonNullable<Parameters<typeof vi.useFakeTimers>[0]>["toFake"];
const timers: Timers = ["setTimeout", "clearTimeout", "requestAnimationFrame", "cancelAnimationFrame", "performance"];

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = false; // renders as a browser does
  vi.useFakeTimers({ toFake: timers });
});
afterEach(() => vi.useRealTimers());

const Numbers = gql("subscription { n }");
/** Lets React render what it has to. */
const turn = () => new Promise((done) => setImmediate(() => setImmediate(done)));
async function frame() {
  await vi.advanceTimersByTimeAsync(16);
  await turn();
}

/** A page that listens to a server, which says what it is told to say. */
async function page() {
  const answers = makeSubject<OperationResult>();
  let asked: Operation | undefined;
  const client = new Client({
    url: "http://localhost/graphql",
    exchanges: [
      frameExchange(new Frames(window)),
      () => (operations) => {
        pipe(
          operations,
          subscribe((op) => {
            if (op.kind === "subscription") asked = op;
          }),
        );
        return merge([answers.source]);
      },
    ],
  });
  const seen = { renders: 0, events: 0 };
  function Part() {
    const [{ data }] = useSubscription<number>({ query: Numbers }, (before = 0) => before + 1);
    seen.renders++;
    seen.events = data ?? 0;
    return null;
  }
  const host = createRoot(document.createElement("div"));
  host.render(createElement(Provider, { value: client, children: createElement(Part) }));
  await frame();
  seen.renders = 0;
  return {
    seen,
    say: () => answers.next({ operation: asked, data: { n: 1 }, stale: false, hasNext: true } as OperationResult),
    leave: () => host.unmount(),
  };
}

const press = (type: string) => window.dispatchEvent(new Event(type));

test("500 events a second make at most one render per frame, and none is lost", async () => {
  const p = await page();
  let frames = 0;
  for (let ms = 0; ms < 1000; ms += 16, frames++) {
    const before = p.seen.renders;
    for (let n = 0; n < 8; n++) {
      p.say();
      await turn();
    }
    await frame();
    expect(p.seen.renders - before).toBeLessThanOrEqual(1);
  }
  await frame();
  expect(p.seen.events).toBe(frames * 8);
  expect(p.seen.renders).toBeLessThanOrEqual(frames + 1);
  expect(p.seen.renders).toBeGreaterThan(frames / 2);
  p.leave();
});

test("nothing moves between pressing and releasing; whoever drags sees what is new after a moment", async () => {
  const p = await page();
  press("pointerdown");
  p.say();
  for (let n = 0; n < 20; n++) await frame();
  expect(p.seen.events).toBe(0);
  press("pointerup");
  expect(p.seen.events).toBe(0);
  await frame();
  expect(p.seen.events).toBe(1);
  press("pointerdown");
  p.say();
  await vi.advanceTimersByTimeAsync(2000);
  await turn();
  expect(p.seen.events).toBe(2);
  press("pointercancel");
  p.leave();
});

test("a page that is not shown goes on without frames", async () => {
  vi.stubGlobal("requestAnimationFrame", () => 0);
  const p = await page();
  p.say();
  await vi.advanceTimersByTimeAsync(300);
  await turn();
  expect(p.seen.events).toBe(1);
  p.leave();
  vi.unstubAllGlobals();
});
