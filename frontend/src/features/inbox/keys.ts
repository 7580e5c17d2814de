type Typed = Pick<KeyboardEvent, "key" | "shiftKey" | "isComposing" | "keyCode">;

/**
 * Whether a key sends what was written: Enter does, with Shift it breaks the line. The Enter that takes a word of an
 * input method sends nothing; Safari tells it by the code 229 alone.
 */
export const sends = (e: Typed) => e.key === "Enter" && !e.shiftKey && !e.isComposing && e.keyCode !== 229;
