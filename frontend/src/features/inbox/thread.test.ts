import { expect, test } from "vitest";
import {
  concerns,
  grouped,
  grown,
  keptInPlace,
  leftToReply,
  neighbour,
  slashAt,
  snoozes,
  tickOf,
  underWay,
  unfilled,
  withNews,
  withNotes,
} from "./thread";

const rows = (ids: string) => [...ids].map((id) => ({ id }));
const ids = (list: readonly { id: string }[]) => list.map((r) => r.id).join("");

test("the time to reply ends before the window does, and says so in whole hours and minutes", () => {
  const now = Date.parse("2026-11-26T10:00:00Z");
  expect(leftToReply("2026-11-27T09:30:00Z", now)).toBe("23 h left to reply");
  expect(leftToReply("2026-11-26T11:04:59Z", now)).toBe("59 min left to reply");
  expect(leftToReply("2026-11-26T10:05:30Z", now)).toBe("Less than a minute left to reply");
  expect(leftToReply("2026-11-26T10:04:00Z", now)).toBe("");
  expect(leftToReply(null, now)).toBe("");
});

test("what was read before stays behind the newest page, and a page that does not reach it begins anew", () => {
  expect(ids(grown([], rows("cba")))).toBe("cba");
  expect(ids(grown(rows("cba"), rows("dcb")))).toBe("dcba");
  expect(ids(grown(rows("cba"), rows("cba")))).toBe("cba");
  expect(ids(grown(rows("cba"), rows("zyx")))).toBe("zyx");
});

test("what came since stands above what is known, and more at once than was asked for makes a gap", () => {
  const known = rows("cba");
  expect(withNews(known, undefined, 2)).toBe(known);
  expect(ids(withNews(known, rows("dc"), 2) ?? [])).toBe("dcba");
  expect(withNews(known, rows("fe"), 2)).toBeNull();
  expect(withNews([], rows("fe"), 2)).toBeNull();
  expect(ids(withNews([], rows("a"), 2) ?? [])).toBe("a");
  expect(ids(withNews(known, [], 2) ?? [])).toBe("");
});

test("messages stand together by side, purpose, writer, day and time", () => {
  const m = (id: string, createdAt: string, direction = "INBOUND", purpose = "INBOUND", by = "") => ({
    id,
    createdAt,
    direction,
    purpose,
    sentBy: by ? { id: by } : null,
  });
  const said = grouped([
    m("a", "2026-11-25T12:00:00"),
    m("b", "2026-11-25T12:04:59"),
    m("c", "2026-11-25T12:10:00"),
    m("d", "2026-11-25T12:10:01", "OUTBOUND", "REPLY"),
    m("d1", "2026-11-25T12:10:02", "OUTBOUND", "REPLY", "ada"),
    m("d2", "2026-11-25T12:10:02", "OUTBOUND", "REPLY", "ada"),
    m("e", "2026-11-25T12:10:02", "OUTBOUND", "CONFIRMATION"),
    m("f", "2026-11-26T00:00:01", "OUTBOUND", "CONFIRMATION"),
  ]);
  expect(said.map((g) => `${g.message.id}${g.first ? "f" : ""}${g.last ? "l" : ""}`)).toEqual([
    "af",
    "bl",
    "cfl",
    "dfl",
    "d1f",
    "d2l",
    "efl",
    "ffl",
  ]);
});

test("each status has its tick, and a receipt is waited for while it may come soon", () => {
  expect(
    ["PENDING", "ACCEPTED", "SENT", "DELIVERED", "READ", "SKIPPED", "UNKNOWN"].map((s) => tickOf(s as never)),
  ).toEqual(["waiting", "waiting", "sent", "delivered", "read", "failed", "unclear"]);
  const now = Date.parse("2026-11-26T10:00:00Z");
  const m = { direction: "OUTBOUND", status: "SENT" as const, createdAt: "2026-11-26T09:59:00Z" };
  expect(underWay(m, now)).toBe(true);
  expect(underWay({ ...m, status: "DELIVERED" }, now)).toBe(false);
  expect(underWay({ ...m, direction: "INBOUND" }, now)).toBe(false);
  expect(underWay({ ...m, createdAt: "2026-11-26T09:00:00Z" }, now), "a phone that is off").toBe(false);
});

test("the row that is read stays where it stood though the list no longer has it", () => {
  expect(ids(keptInPlace(rows("abc"), rows("ac"), "b"))).toBe("abc");
  expect(ids(keptInPlace(rows("abc"), rows("xac"), "b")), "something new came above").toBe("xbac");
  expect(ids(keptInPlace(rows("abc"), rows("abc"), "b"))).toBe("abc");
  expect(ids(keptInPlace(rows("abc"), rows("ac"), undefined))).toBe("ac");
  expect(ids(keptInPlace(rows("ac"), rows("ac"), "b")), "it never stood here").toBe("ac");
});

test("the next and the previous conversation end at the ends of the list", () => {
  expect(neighbour(["a", "b"], undefined, 1)).toBe("a");
  expect(neighbour(["a", "b"], "a", 1)).toBe("b");
  expect(neighbour(["a", "b"], "b", 1)).toBeUndefined();
  expect(neighbour(["a", "b"], "a", -1)).toBeUndefined();
  expect(neighbour([], "a", 1)).toBeUndefined();
});

test("notes stand between the messages, and those from before what was read wait for it", () => {
  const at = (id: string, minute: number) => ({ id, createdAt: `2026-11-26T10:0${minute}:00Z` });
  const all = (whole: boolean) =>
    withNotes([at("a", 2), at("b", 5)], [at("z", 6), at("y", 3), at("x", 1)], whole)
      .map((i) => ("note" in i ? i.note.id : i.message.id))
      .join("");
  expect(all(true)).toBe("xaybz");
  expect(all(false)).toBe("aybz");
  expect(withNotes([], [at("x", 1)], true)).toHaveLength(1);
});

test("a slash that begins a word asks for a canned reply", () => {
  const of = (text: string) => slashAt(text, text.length);
  expect(of("/")).toEqual({ from: 0, name: "" });
  expect(of("Hello /Open")).toEqual({ from: 6, name: "open" });
  expect(of("first\n/size-2")).toEqual({ from: 6, name: "size-2" });
  expect(of("24/7")).toBeNull();
  expect(of("/open hours")).toBeNull();
  expect(slashAt("/open hours", 5), "where the caret is").toEqual({ from: 0, name: "open" });
});

test("a placeholder that is not filled in is found once", () => {
  expect(unfilled("Hi {{name}}, {{attributes.size}} and {{name}} again {no} { {x} }")).toEqual([
    "{{name}}",
    "{{attributes.size}}",
  ]);
  expect(unfilled("Hi Ann")).toEqual([]);
});

test("a snooze ends in the morning of a day to come, in the zone of whoever is here", () => {
  const on = (day: number, hour: number) =>
    snoozes(new Date(2026, 10, day, hour)).map((s) => [s.label, s.at.getTime()]);
  const morning = (day: number) => new Date(2026, 10, day, 9).getTime();
  expect(on(26, 22), "a Thursday").toEqual([
    ["In 1 hour", new Date(2026, 10, 26, 23).getTime()],
    ["In 3 hours", new Date(2026, 10, 27, 1).getTime()],
    ["Tomorrow morning", morning(27)],
    ["Next Monday", morning(30)],
  ]);
  expect(
    on(29, 10).map(([label]) => label),
    "on a Sunday tomorrow is Monday",
  ).toEqual(["In 1 hour", "In 3 hours", "Tomorrow morning"]);
  expect(on(23, 10).at(-1), "on a Monday it is the one after").toEqual(["Next Monday", morning(30)]);
});

test("somebody is told of their own conversations and of nobody's", () => {
  expect(concerns({ status: "OPEN", assignee: null }, "me")).toBe(true);
  expect(concerns({ status: "OPEN", assignee: { id: "me" } }, "me")).toBe(true);
  expect(concerns({ status: "OPEN", assignee: { id: "other" } }, "me")).toBe(false);
  expect(concerns({ status: "CLOSED", assignee: null }, "me"), "an opt-out that was obeyed").toBe(false);
});
