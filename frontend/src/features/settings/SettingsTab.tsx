import { t } from "@lingui/core/macro";
import { Box, Button, Group, NativeSelect } from "@mantine/core";
import { Link, useNavigate, useRouterState } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Page } from "../../components/ui";
import { useSettingsPages } from "./pages";

/** One page of the settings, under its name, with the way to the others. */
export function SettingsTab(props: { title: string; description: ReactNode; children: ReactNode }) {
  const path = useRouterState({ select: (s) => s.location.pathname });
  const pages = useSettingsPages();
  const navigate = useNavigate();
  return (
    <Page title={props.title} description={props.description}>
      {/* A dozen links would take half of a phone's screen. */}
      <Box hiddenFrom="sm">
        <NativeSelect
          aria-label={t`Settings`}
          value={path}
          data={pages.map((entry) => ({ value: entry.to, label: entry.label }))}
          onChange={(e) => navigate({ to: e.currentTarget.value })}
        />
      </Box>
      <Group component="nav" aria-label={t`Settings`} gap={2} visibleFrom="sm">
        {pages.map((entry) => (
          <Button
            key={entry.to}
            size="compact-md"
            fz="sm"
            px={8}
            color={path === entry.to ? undefined : "gray"}
            c={path === entry.to ? undefined : "dimmed"}
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
