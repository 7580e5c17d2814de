import { expect, test } from "vitest";
import { grouped, grown, keptInPlace, leftToReply, neighbour, tickOf, underWay } from "./thread";

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

test("messages stand together by side and time, and each day begins once", () => {
  const m = (id: string, createdAt: string, direction = "INBOUND", purpose = "INBOUND") => ({
    id,
    createdAt,
    direction,
    purpose,
  });
  const said = grouped([
    m("a", "2026-11-25T12:00:00"),
    m("b", "2026-11-25T12:04:59"),
    m("c", "2026-11-25T12:10:00"),
    m("d", "2026-11-25T12:10:01", "OUTBOUND", "REPLY"),
    m("e", "2026-11-25T12:10:02", "OUTBOUND", "CONFIRMATION"),
    m("f", "2026-11-26T00:00:01", "OUTBOUND", "CONFIRMATION"),
  ]);
  expect(said.map((g) => `${g.message.id}${g.day ? "+" : ""}${g.first ? "f" : ""}${g.last ? "l" : ""}`)).toEqual([
    "a+f",
    "bl",
    "cfl",
    "dfl",
    "efl",
    "f+fl",
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
