import { t } from "@lingui/core/macro";
/** Whether this browser makes and uses passkeys here: they belong to a name, and an address by numbers is none. */
export const passkeysWork = () =>
  !/^[\d.]+$|:/.test(location.hostname) &&
  typeof window.PublicKeyCredential === "function" &&
  typeof window.PublicKeyCredential.parseCreationOptionsFromJSON === "function";

/** Lets the browser make a passkey; null when the person gave up. */
export const makePasskey = (options: unknown) =>
  answered(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON),
    }),
  );

/** Lets the person choose a passkey; null when they gave up. */
export const usePasskeyOf = (options: unknown) =>
  answered(() =>
    navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON),
    }),
  );

async function answered(ask: () => Promise<Credential | null>): Promise<unknown> {
  try {
    return ((await ask()) as PublicKeyCredential | null)?.toJSON() ?? null;
  } catch (e) {
    // The browser says no more than that: given up, no key, or too late.
    if (e instanceof DOMException && ["NotAllowedError", "AbortError", "InvalidStateError"].includes(e.name))
      return null;
    throw e;
  }
}

/** "Chrome on macOS" of what a browser calls itself. */
export function browserName(userAgent: string): string {
  const find = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = find([
    [/Edg\//, "Edge"],
    [/OPR\//, "Opera"],
    [/Firefox\//, "Firefox"],
    [/Chrome\//, "Chrome"],
    [/Safari\//, "Safari"],
    [/curl\//, "curl"],
  ]);
  const system = find([
    [/iPhone|iPad/, "iOS"],
    [/Android/, "Android"],
    [/Windows/, "Windows"],
    [/Mac OS/, "macOS"],
    [/CrOS/, "ChromeOS"],
    [/Linux/, "Linux"],
  ]);
  if (!browser) return userAgent.slice(0, 60) || t`Unknown browser`;
  return system ? t`${browser} on ${system}` : browser;
}
