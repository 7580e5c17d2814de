import type { modals as Library } from "@mantine/modals";
import { later } from "./later";

/** The library, which Modals mounts as soon as it is there. */
export const library = later(() => import("./modals.library"));

type Act = (dialogs: typeof Library) => void;
const waiting: Act[] = [];
let host: typeof Library | undefined;

/** Tells what shows dialogs, or that nothing does any more. */
export function showBy(dialogs: typeof Library | undefined) {
  host = dialogs;
  if (!host) return;
  for (const act of waiting.splice(0)) act(host);
}

function act(what: Act) {
  if (host) return what(host);
  waiting.push(what);
  // What could not be asked is given up: the person acts again.
  library.get().catch(() => waiting.splice(0));
}

let count = 0;
const named = <P extends { modalId?: string }>(p: P) => {
  count++;
  return { ...p, modalId: p.modalId ?? `question-${count}` };
};

/** Dialogs that belong to no place of a page: questions, above all. */
export const modals = {
  /** Opens one and gives its id. */
  open(dialog: Parameters<typeof Library.open>[0]): string {
    const it = named(dialog);
    act((there) => there.open(it));
    return it.modalId;
  },
  openConfirmModal(dialog: Parameters<typeof Library.openConfirmModal>[0]): string {
    const it = named(dialog);
    act((there) => there.openConfirmModal(it));
    return it.modalId;
  },
  close(id: string) {
    act((there) => there.close(id));
  },
};
