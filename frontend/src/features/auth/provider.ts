import { t } from "@lingui/core/macro";
import { sentence } from "../../lib/format";

/** Where operators sign in by OpenID Connect. */
export type Provider = { name: string; url: string; only: boolean };

const reasons: Record<string, (provider: string) => string> = {
  expired: () => t`This took too long, or was started in another window. Try again.`,
  answer: (p) =>
    t`The answer of ${p} was not what it must be, and was not taken. Try again; if it goes on, tell an admin.`,
  denied: (p) => t`${p} did not let you in.`,
  email: (p) => t`Your email address is not verified at ${p}, and without that we cannot know who you are.`,
  role: (p) => t`None of your groups at ${p} may use this. Ask an admin to be added to one.`,
  inactive: () => t`Your account is deactivated. Ask an admin.`,
  taken: (p) => t`The account with your email address belongs to another sign-in at ${p}. Ask an admin to unlink it.`,
  stale: (p) =>
    t`${p} did not ask you to sign in again, so that this proves nothing. Use another way, or sign out and in.`,
  other: (p) => t`Somebody else signed in at ${p}. Sign in there as yourself.`,
  unavailable: (p) => t`${p} does not answer at this moment. Try again in a minute.`,
  wait: () => t`Too many attempts failed. Try again in some minutes.`,
};

/** What a sign-in at the provider that came back without success says, from the address; "" for none. */
export function refusalIn(hash: string, provider?: Pick<Provider, "name"> | null): string {
  const reason = /^#signin=(\w+)$/.exec(hash)?.[1];
  if (!reason) return "";
  const text = Object.hasOwn(reasons, reason) && reasons[reason];
  return text
    ? sentence(text(provider?.name ?? t`your sign-in provider`))
    : t`The sign-in was not accepted. Try again.`;
}

/** The page that leads to the provider, and back to the page that somebody is on. */
export function providerLink(provider: Provider, at: { pathname: string; search: string }): string {
  return `${provider.url}?to=${encodeURIComponent(at.pathname + at.search)}`;
}

/** Tells the window that asked for it that somebody confirmed who they are, or why not. */
export const confirmations = () => new BroadcastChannel("confirmations");
