import { expect, test } from "vitest";
import { noContent } from "./content";
import { changes, written } from "./versions";

test("a version is written as lines, and two of them compared by words", () => {
  const before = written("Our sale has started.", noContent);
  const after = written("Our sale ends.", {
    ...noContent,
    footer: "Reply STOP to opt out",
    buttons: [{ type: "URL", title: "Open", url: "https://shop.example", phone: "", code: "", id: "", track: true }],
  });
  expect(before).toBe("Our sale has started.");
  expect(after).toBe("Our sale ends.\nFooter: Reply STOP to opt out\nButton: Open · https://shop.example");
  const pieces = changes(before, after);
  expect(
    pieces
      .filter((p) => p.is !== "added")
      .map((p) => p.text)
      .join(""),
  ).toBe(before);
  expect(
    pieces
      .filter((p) => p.is !== "removed")
      .map((p) => p.text)
      .join(""),
  ).toBe(after);
  expect(pieces.some((p) => p.is === "removed" && p.text.includes("started"))).toBe(true);
  expect(changes(before, before)).toEqual([{ text: before, is: "same" }]);
});
