import { expect, test, vi } from "vitest";
import { hook } from "./hook";
import { later, useLater } from "./later";

test("a part is loaded with the first key or pointer, or when it is wanted, and once", async () => {
  const atOnce = vi.fn(async () => "menu");
  const part = later(atOnce);
  expect(part.now(), "the page does not wait for it").toBeUndefined();
  expect(atOnce).not.toHaveBeenCalled();
  window.dispatchEvent(new Event("pointerdown"));
  await vi.waitFor(() => expect(part.now()).toBe("menu"));
  expect(await part.get()).toBe("menu");
  expect(atOnce).toHaveBeenCalledTimes(1);
  const another = vi.fn(async () => "dialog");
  later(another);
  expect(another, "whoever has begun to work waits for nothing").toHaveBeenCalledTimes(1);
});

test("a part that could not be loaded is loaded by the next action", async () => {
  const load = vi.fn(async () => "dialog").mockRejectedValueOnce(new Error("no connection"));
  const part = later(load);
  await expect(part.get().catch((e: Error) => e.message)).resolves.toBe("no connection");
  await expect(part.get()).resolves.toBe("dialog");
  expect(load).toHaveBeenCalledTimes(2);
  const h = hook((wanted: boolean) => useLater(part, wanted), false);
  expect(h.now(), "what is there is shown at once").toBe("dialog");
  h.leave();
});
