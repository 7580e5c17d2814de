import { t } from "@lingui/core/macro";
import { useMay, useSession } from "../../app/session";

const pages = [
  { to: "/settings", label: t`Workspace` },
  { to: "/settings/live", label: t`Going live`, admin: true },
  { to: "/settings/senders", label: t`Senders` },
  { to: "/settings/limits", label: t`Limits and hours` },
  { to: "/settings/prices", label: t`Costs` },
  { to: "/settings/double-opt-in", label: t`Double opt-in` },
  { to: "/settings/attributes", label: t`Attributes` },
  { to: "/settings/keywords", label: t`Keywords` },
  { to: "/settings/retention", label: t`Data retention` },
  { to: "/settings/team", label: t`Team` },
  { to: "/settings/api", label: "API", admin: true },
  { to: "/settings/developer", label: t`Developer`, sandbox: true },
] as const;

/** The pages of the settings that are there for whoever is signed in, in their order. */
export function useSettingsPages() {
  const admin = useMay("ADMIN");
  const { setup } = useSession();
  return pages.filter((p) => (!("admin" in p) || admin) && (!("sandbox" in p) || !setup.live));
}
