import { type EditorState, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";
import { formatsOf } from "./placeholders";

const decorate = (state: EditorState): DecorationSet =>
  Decoration.set(
    formatsOf(state.doc.toString()).map(({ kind, from, to }) =>
      Decoration.mark({ class: `format-${kind}` }).range(from, to),
    ),
    true,
  );

/** The text as WhatsApp shows it while it is written: `*bold*` is bold, and its marks stay, in grey. */
export const formatting = StateField.define<DecorationSet>({
  create: decorate,
  update: (now, tr) => (tr.docChanged ? decorate(tr.state) : now),
  provide: (field) => EditorView.decorations.from(field),
});
