const prefix = "#setup=";

/** Takes the token out of the link that the server prints, and out of the address bar and the history with it. */
export function setupToken(at: Window): string {
  if (!at.location.hash.startsWith(prefix)) return "";
  const token = at.location.hash.slice(prefix.length);
  at.history.replaceState(at.history.state, "", at.location.pathname + at.location.search);
  return token;
}
