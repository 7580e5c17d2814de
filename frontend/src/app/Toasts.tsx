import { useLater } from "../lib/later";
import { library } from "../lib/notifications";

/** Where notices appear. */
export function Toasts() {
  const there = useLater(library);
  return there ? <there.Notifications position="bottom-right" /> : null;
}
