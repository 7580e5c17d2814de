import { type EditorState, Facet, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import { t } from "@lingui/core/macro";
import { findPlaceholders } from "../../lib/placeholders";
import { pillText, readPlaceholder } from "./placeholders";

/** How a field is called; it changes when the attributes are known. */
export const naming = Facet.define<(name: string) => string, (name: string) => string>({
  combine: (values) => values.at(-1) ?? ((name) => name),
});

class Pill extends WidgetType {
  constructor(
    readonly source: string,
    readonly field: string,
    readonly fallback?: string,
  ) {
    super();
  }
  override eq(other: Pill) {
    return other.source === this.source && other.field === this.field;
  }
  toDOM() {
    const pill = document.createElement("span");
    pill.className = readPlaceholder(this.source) ? "pill" : "pill pill-odd";
    pill.title = `{{${this.source}}}`;
    pill.append(this.field);
    if (this.fallback) {
      const or = document.createElement("span");
      or.className = "pill-or";
      or.textContent = ` ${t`or “${this.fallback}”`}`;
      pill.append(or);
    }
    return pill;
  }
  override ignoreEvent() {
    return false;
  }
}

function decorate(state: EditorState): DecorationSet {
  const nameOf = state.facet(naming);
  return Decoration.set(
    findPlaceholders(state.doc.toString()).map(({ from, to, source }) => {
      const { field, fallback } = pillText(source, nameOf);
      return Decoration.replace({ widget: new Pill(source, field, fallback) }).range(from, to);
    }),
  );
}

/** Placeholders as pills: the cursor steps over them, one key deletes them, and what is copied is their text. */
export const pills = StateField.define<DecorationSet>({
  create: decorate,
  update: (now, tr) =>
    tr.docChanged || tr.startState.facet(naming) !== tr.state.facet(naming) ? decorate(tr.state) : now,
  provide: (field) => [
    EditorView.decorations.from(field),
    EditorView.atomicRanges.of((view) => view.state.field(field)),
  ],
});

/** The placeholder that the cursor touches or that is selected. */
export function placeholderAt(state: EditorState) {
  const { from, to } = state.selection.main;
  return findPlaceholders(state.doc.toString()).find((p) => p.from <= from && to <= p.to);
}
