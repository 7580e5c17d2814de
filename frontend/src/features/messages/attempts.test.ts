import { expect, test } from "vitest";
import { byAttempt } from "./attempts";

const event = (id: string, sid: string) => ({ id, sid });
const shape = (groups: ReturnType<typeof byAttempt>) => groups.map((g) => [g.sid, g.events.map((e) => e.id)]);

test("a message that was sent once has one attempt", () => {
  expect(shape(byAttempt("SM1", [], [event("a", "SM1"), event("b", "SM1")]))).toEqual([["SM1", ["a", "b"]]]);
  expect(shape(byAttempt(null, [], []))).toEqual([[null, []]]);
});

test("each event stands with its attempt, whenever it came", () => {
  const events = [event("a", "SM1"), event("b", "SM2"), event("late", "SM1")];
  expect(shape(byAttempt("SM2", [{ sid: "SM1" }], events))).toEqual([
    ["SM1", ["a", "late"]],
    ["SM2", ["b"]],
  ]);
});

test("the next attempt waits without a SID", () => {
  expect(shape(byAttempt(null, [{ sid: "SM1" }], [event("a", "SM1")]))).toEqual([
    ["SM1", ["a"]],
    [null, []],
  ]);
});

test("an earlier attempt that arrived after all is the last one", () => {
  expect(shape(byAttempt("SM1", [{ sid: "SM1" }], [event("a", "SM1")]))).toEqual([["SM1", ["a"]]]);
});
