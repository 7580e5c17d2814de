import { t } from "@lingui/core/macro";
import { Button, Group } from "@mantine/core";
import { Link, useRouterState } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Page } from "../../components/ui";
import { useSettingsPages } from "./pages";

/** One page of the settings, under its name, with the way to the others. */
export function SettingsTab(props: { title: string; description: ReactNode; children: ReactNode }) {
  const path = useRouterState({ select: (s) => s.location.pathname });
  const pages = useSettingsPages();
  return (
    <Page title={props.title} description={props.description}>
      <Group component="nav" aria-label={t`Settings`} gap={4}>
        {pages.map((entry) => (
          <Button
            key={entry.to}
            size="compact-md"
            fz="sm"
            color={path === entry.to ? undefined : "gray"}
            variant={path === entry.to ? "light" : "subtle"}
            aria-current={path === entry.to ? "page" : undefined}
            renderRoot={(root) => <Link {...root} to={entry.to} />}
          >
            {entry.label}
          </Button>
        ))}
      </Group>
      {props.children}
    </Page>
  );
}
