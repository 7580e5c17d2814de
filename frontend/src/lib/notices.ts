import { useSyncExternalStore } from "react";

const key = "inbox-notices";
const listeners = new Set<() => void>();

/** Whether this browser may show notifications, and somebody wants them here. */
function wanted(): boolean {
  try {
    return "Notification" in window && Notification.permission === "granted" && localStorage.getItem(key) === "on";
  } catch {
    return false; // storage is closed to the page
  }
}

/** Asks the browser where that is needed, and gives whether notifications are on then. */
async function turn(on: boolean): Promise<boolean> {
  try {
    if (on && "Notification" in window) await Notification.requestPermission();
    if (on) localStorage.setItem(key, "on");
    else localStorage.removeItem(key);
  } catch {
    // as above: they stay off
  }
  for (const l of listeners) l();
  return wanted();
}

const subscribe = (l: () => void) => {
  listeners.add(l);
  return () => {
    listeners.delete(l);
  };
};

/** Whether notifications of new messages are on in this browser, and how to turn them on or off, by a click alone. */
export const useNotices = (): [boolean, typeof turn] => [useSyncExternalStore(subscribe, wanted), turn];
