import { useMay, useSession } from "../../app/session";

const pages = [
  { to: "/settings", label: "Workspace" },
  { to: "/settings/senders", label: "Senders" },
  { to: "/settings/limits", label: "Limits and hours" },
  { to: "/settings/prices", label: "Prices" },
  { to: "/settings/double-opt-in", label: "Double opt-in" },
  { to: "/settings/attributes", label: "Attributes" },
  { to: "/settings/keywords", label: "Keywords" },
  { to: "/settings/retention", label: "Data retention" },
  { to: "/settings/team", label: "Team", admin: true },
  { to: "/settings/api", label: "API", admin: true },
  { to: "/settings/developer", label: "Developer", sandbox: true },
] as const;

/** The pages of the settings that are there for whoever is signed in, in their order. */
export function useSettingsPages() {
  const admin = useMay("ADMIN");
  const { setup } = useSession();
  return pages.filter((p) => (!("admin" in p) || admin) && (!("sandbox" in p) || !setup.live));
}
