import { useEffect } from "react";
import { useLater } from "../lib/later";
import { library, showBy } from "../lib/modals";

/** Where dialogs appear that belong to no place of a page. */
export function Modals() {
  const there = useLater(library);
  useEffect(() => {
    showBy(there?.modals);
    return () => showBy(undefined);
  }, [there]);
  return there ? <there.ModalsProvider /> : null;
}
