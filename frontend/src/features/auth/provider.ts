/** Where operators sign in by OpenID Connect. */
export type Provider = { name: string; url: string; only: boolean };

const reasons: Record<string, string> = {
  expired: "This took too long, or was begun in another window. Try again.",
  answer: "The answer was not what it must be, and was not taken. Try again; if it goes on, tell an admin.",
  denied: "You were not let through there.",
  email: "Your email address is not verified there, and without that we cannot know who you are.",
  role: "None of your groups there may use this. Ask an admin to be added to one.",
  inactive: "Your account is deactivated. Ask an admin.",
  taken: "The account with your email address belongs to another sign-in there. Ask an admin to unlink it.",
  stale: "You were not asked to sign in again there, so that this proves nothing. Use another way, or sign out and in.",
  other: "Somebody else signed in there. Sign in there as yourself.",
  unavailable: "It does not answer at this moment. Try again in a minute.",
  wait: "Too many attempts failed. Try again in some minutes.",
};

/** What a sign-in at the provider that came back without success says, from the address; "" for none. */
export function refusalIn(hash: string): string {
  const reason = /^#signin=(\w+)$/.exec(hash)?.[1];
  if (!reason) return "";
  return (Object.hasOwn(reasons, reason) && reasons[reason]) || "The sign-in was not taken. Try again.";
}

/** The page that leads to the provider, and back to the page that somebody is on. */
export function providerLink(provider: Provider, at: { pathname: string; search: string }): string {
  return `${provider.url}?to=${encodeURIComponent(at.pathname + at.search)}`;
}

/** Tells the window that asked for it that somebody confirmed who they are, or why not. */
export const confirmations = () => new BroadcastChannel("confirmations");
