import { Button, Group } from "@mantine/core";
import { Link, useRouterState } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useMay, useSession } from "../../app/session";
import { Page } from "../../components/ui";

const tabs = [
  { to: "/settings", label: "Senders" },
  { to: "/settings/limits", label: "Limits and hours" },
  { to: "/settings/double-opt-in", label: "Double opt-in" },
  { to: "/settings/attributes", label: "Attributes" },
  { to: "/settings/keywords", label: "Keywords" },
  { to: "/settings/retention", label: "Data retention" },
  { to: "/settings/team", label: "Team", admin: true },
  { to: "/settings/api", label: "API", admin: true },
  { to: "/settings/developer", label: "Developer", sandbox: true },
] as const;

/** One page of the settings, under its name, with the way to the others. */
export function SettingsTab(props: { title: string; description: ReactNode; children: ReactNode }) {
  const admin = useMay("ADMIN");
  const { setup } = useSession();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const shown = tabs.filter((t) => (!("admin" in t) || admin) && (!("sandbox" in t) || !setup.live));
  return (
    <Page title={props.title} description={props.description}>
      <Group component="nav" aria-label="Settings" gap={4}>
        {shown.map((t) => (
          <Button
            key={t.to}
            size="compact-md"
            fz="sm"
            color={path === t.to ? undefined : "gray"}
            variant={path === t.to ? "light" : "subtle"}
            aria-current={path === t.to ? "page" : undefined}
            renderRoot={(root) => <Link {...root} to={t.to} />}
          >
            {t.label}
          </Button>
        ))}
      </Group>
      {props.children}
    </Page>
  );
}
