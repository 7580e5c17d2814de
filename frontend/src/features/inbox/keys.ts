/** What a key does in the inbox. */
export type Command = "next" | "previous" | "close" | "assign" | "reply" | "search" | "shortcuts";

const commands: Record<string, Command> = {
  j: "next",
  ArrowDown: "next",
  k: "previous",
  ArrowUp: "previous",
  e: "close",
  a: "assign",
  r: "reply",
  "/": "search",
  "?": "shortcuts",
};

/** The keys, as the list of shortcuts shows them. */
export const shortcuts: [keys: string[], does: string][] = [
  [["J", "↓"], "Next conversation"],
  [["K", "↑"], "Previous conversation"],
  [["R"], "Write a reply"],
  [["E"], "Close the conversation"],
  [["A"], "Assign it to me"],
  [["/"], "Search conversations"],
  [["?"], "Show these shortcuts"],
  [["Enter"], "Send the reply"],
  [["Shift", "Enter"], "Begin a new line"],
  [["Esc"], "Leave the field"],
];

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "isComposing" | "defaultPrevented"> & {
  target: EventTarget | null;
};

/** Where keys mean something else: fields, menus and dialogs, and a region that arrows scroll. */
const elsewhere = 'input, textarea, select, [contenteditable="true"], [role="dialog"], [role="menu"], [role="listbox"]';

/** What a pressed key asks for; undefined: nothing, such as while somebody types. */
export function commandOf(e: Pressed): Command | undefined {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || e.defaultPrevented) return undefined;
  const at = e.target instanceof Element ? e.target : null;
  if (at?.closest(elsewhere)) return undefined;
  if (e.key.startsWith("Arrow") && at?.closest('[role="region"], [role="radiogroup"]')) return undefined;
  return commands[e.key];
}

type Typed = Pick<KeyboardEvent, "key" | "shiftKey" | "isComposing" | "keyCode">;

/**
 * Whether a key sends what was written: Enter does, with Shift it breaks the line. The Enter that takes a word of an
 * input method sends nothing; Safari tells it by the code 229 alone.
 */
export const sends = (e: Typed) => e.key === "Enter" && !e.shiftKey && !e.isComposing && e.keyCode !== 229;
