import { loadsAhead } from "./later";

const key = "reloaded";
const pause = 60_000; // what cannot be loaded after a reload either must not load for ever

/** Whether the server answers; while it does not, a reload would only take the page away. */
async function there(): Promise<boolean> {
  try {
    return (await fetch("/icon.svg", { method: "HEAD", cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** Loads the page anew when a part of it cannot be loaded: after an upgrade those of the version before are gone. */
export function reloadAfterUpgrade(reload = () => location.reload(), answers = there) {
  window.addEventListener("vite:preloadError", async () => {
    if (loadsAhead() || !(await answers())) return; // somebody may be in the middle of something
    try {
      if (Date.now() - Number(sessionStorage.getItem(key)) < pause) return;
      sessionStorage.setItem(key, String(Date.now()));
    } catch {
      return; // storage is closed to the page, and nothing would end a loop
    }
    reload();
  });
}
