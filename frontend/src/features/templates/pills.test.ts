import { deleteCharBackward, history, undo } from "@codemirror/commands";
import { EditorSelection, EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { expect, test } from "vitest";
import { formatting } from "./formatting";
import { naming, pills, placeholderAt } from "./pills";
import { pillText } from "./placeholders";

const nameOf = (name: string) => (name === "attributes.city" ? "City" : name);

function editor(doc: string) {
  return new EditorView({
    parent: document.body,
    state: EditorState.create({ doc, extensions: [history(), naming.of(nameOf), pills] }),
  });
}

test("a pill shows the field by its name, and its fallback", () => {
  const view = editor("Hi {{attributes.city | there}} and {{nme}}");
  const shown = Array.from(view.contentDOM.querySelectorAll(".pill"), (p) => [p.textContent, p.classList.length > 1]);
  expect(shown).toEqual([
    ["City or “there”", false],
    ["nme", true], // nothing that the form knows
  ]);
  expect(view.state.doc.toString()).toBe("Hi {{attributes.city | there}} and {{nme}}");
  view.destroy();
});

test("one key deletes a pill as a whole, and undo brings it back", () => {
  const view = editor("Hi {{name | there}}");
  view.dispatch({ selection: EditorSelection.cursor(view.state.doc.length) });
  deleteCharBackward(view);
  expect(view.state.doc.toString()).toBe("Hi ");
  undo(view);
  expect(view.state.doc.toString()).toBe("Hi {{name | there}}");
  view.destroy();
});

test("what is typed in braces becomes a pill once it is closed", () => {
  const view = editor("Hi {{name}");
  expect(view.contentDOM.querySelector(".pill")).toBeNull();
  view.dispatch({ changes: { from: 10, insert: "}" } });
  expect(view.contentDOM.querySelector(".pill")?.textContent).toBe("name");
  view.destroy();
});

test("the placeholder at the cursor is the one that it touches", () => {
  const at = (pos: number) =>
    placeholderAt(EditorState.create({ doc: "a {{name}} b", selection: { anchor: pos } }))?.source;
  expect([at(1), at(2), at(10), at(11)]).toEqual([undefined, "name", "name", undefined]);
  expect(pillText(" ", nameOf)).toEqual({ field: "…" });
});

test("formatting is shown as WhatsApp will, with its marks, over placeholders as well", () => {
  const view = new EditorView({
    parent: document.body,
    state: EditorState.create({
      doc: "*Hi {{first_name}}* and {{last_name}}",
      extensions: [naming.of(nameOf), pills, formatting],
    }),
  });
  const shown = (kind: string) => Array.from(view.contentDOM.querySelectorAll(`.format-${kind}`), (e) => e.textContent);
  expect(shown("bold").join("")).toBe("*Hi first_name*");
  expect(shown("mark")).toEqual(["*", "*"]);
  expect(shown("italic"), "the signs within placeholders are none").toEqual([]);
  view.dispatch({ changes: { from: 0, to: 1 } });
  expect(shown("bold")).toEqual([]);
  view.destroy();
});
