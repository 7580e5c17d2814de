import { expect, test } from "vitest";
import { changeOf, pointsOf, rangeOf } from "./range";

const now = new Date("2026-11-26T10:30:00"); // without a zone: the browser's own
const shown = (r: ReturnType<typeof rangeOf>) =>
  [r.from, r.to, r.before.from, r.before.to].map((d) => {
    const two = (n: number) => String(n).padStart(2, "0");
    return `${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`;
  });

test("a range is whole days until now, and what it is compared with is as long", () => {
  expect(shown(rangeOf({}, now))).toEqual(["11-20 00:00", "11-26 10:30", "11-13 00:00", "11-19 10:30"]);
  expect(shown(rangeOf({ range: "today" }, now))).toEqual(["11-26 00:00", "11-26 10:30", "11-25 00:00", "11-25 10:30"]);
  expect(shown(rangeOf({ range: "30" }, now))[0]).toBe("10-28 00:00");
  expect(rangeOf({ range: "90" }, now).compared).toBe("the 90 days before");
});

test("a range of one's own has whole days and no future", () => {
  const own = rangeOf({ range: "own", from: "2026-11-02", to: "2026-11-03" }, now);
  expect(shown(own)).toEqual(["11-02 00:00", "11-04 00:00", "10-31 00:00", "11-02 00:00"]);
  expect(rangeOf({ range: "own", from: "2026-11-25", to: "2026-12-24" }, now).to).toEqual(now);
});

test("what is no range is the last seven days", () => {
  for (const search of [
    { range: "own" },
    { range: "own", from: "2026-11-03", to: "2026-11-02" },
    { range: "own", from: "2026-01-01", to: "2026-11-02" },
    { range: "own", from: "2027-01-01", to: "2027-01-02" },
    { range: "own", from: "yesterday", to: "today" },
    { range: "12" },
  ])
    expect(rangeOf(search, now).key, JSON.stringify(search)).toBe("7");
});

test("changes are said against the period before", () => {
  expect(changeOf(150, 100, true)).toEqual({ text: "+50%", up: true });
  expect(changeOf(50, 100, true)).toEqual({ text: "−50%", up: false });
  expect(changeOf(5, 0, true)?.text).toBe("0 before");
  expect(changeOf(5, 5, true)?.up).toBeNull();
  expect(changeOf(5, 0, false)).toBeNull();
  expect(pointsOf(0.973, 0.95, true)).toEqual({ text: "+2.3 points", up: true });
  expect(pointsOf(0.5, 0.5001, true)?.text).toBe("unchanged");
  expect(pointsOf(0.5, 0, false)).toBeNull();
});
