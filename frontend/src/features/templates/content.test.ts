import { expect, test } from "vitest";
import type { TemplateContentPartsFragment } from "../../gql/graphql";
import { buttonLimit, contentInput, moved, newButton, noContent, problemsByField, readContent } from "./content";

test("what the API tells comes back as it was", () => {
  const told = {
    header: { text: null, media: { kind: "IMAGE" as const, url: "/media/a/b.jpg" } },
    footer: "Reply STOP to end",
    buttons: [
      { type: "QUICK_REPLY" as const, title: "Yes", url: null, phone: null, code: null, id: "y", track: false },
      {
        type: "URL" as const,
        title: "Open",
        url: "https://example.com",
        phone: null,
        code: null,
        id: null,
        track: true,
      },
    ],
    cards: [],
    list: null,
    catalog: null,
    authentication: null,
    flow: null,
  } as unknown as TemplateContentPartsFragment;
  expect(contentInput(readContent(told))).toEqual({
    header: { media: { kind: "IMAGE", url: "/media/a/b.jpg" } },
    footer: "Reply STOP to end",
    buttons: [
      { type: "QUICK_REPLY", title: "Yes", url: null, phone: null, code: null, id: "y", track: null },
      { type: "URL", title: "Open", url: "https://example.com", phone: null, code: null, id: null, track: true },
    ],
  });
});

test("parts of another shape are kept, and do not go to the API", () => {
  const both = { ...noContent, footer: "Bye", shape: "list" as const };
  expect(contentInput(both)).toEqual({
    list: { button: "", items: [{ title: "", description: null, id: null }] },
  });
  expect(contentInput({ ...both, shape: "message" }).footer).toBe("Bye");
});

test("buttons have their limits", () => {
  const pages = [newButton("URL"), newButton("URL")];
  expect(buttonLimit(pages, "URL")).toBe("At most 2 with an address");
  expect(buttonLimit(pages, "PHONE")).toBeNull();
  expect(
    buttonLimit(
      Array.from({ length: 10 }, () => newButton("QUICK_REPLY")),
      "QUICK_REPLY",
    ),
  ).toBe("At most 10 buttons");
});

test("an entry is moved", () => {
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
});

test("what is only missing yet is said once somebody saves", () => {
  const problems = [
    { field: ["content", "buttons", "0", "title"], message: "the title of button 1 is missing" },
    { field: ["content", "footer"], message: "the footer takes no placeholder: write it out" },
  ];
  expect(problemsByField(problems, false)).toEqual({
    "content.footer": "the footer takes no placeholder: write it out",
  });
  expect(Object.keys(problemsByField(problems, true))).toEqual(["content.buttons.0.title", "content.footer"]);
});
