const key = "reloaded";
const pause = 60_000; // what cannot be loaded after a reload either must not load for ever

/** Loads the page anew when a part of it cannot be loaded: after an upgrade those of the version before are gone. */
export function reloadAfterUpgrade(reload = () => location.reload()) {
  window.addEventListener("vite:preloadError", () => {
    try {
      if (Date.now() - Number(sessionStorage.getItem(key)) < pause) return;
      sessionStorage.setItem(key, String(Date.now()));
    } catch {
      return; // storage is closed to the page, and nothing would end a loop
    }
    reload();
  });
}
