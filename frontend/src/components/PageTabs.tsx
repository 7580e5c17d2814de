import { Box, Button, Group, NativeSelect } from "@mantine/core";
import { Link, useNavigate, useRouterState } from "@tanstack/react-router";

/**
 * The way between the pages of one part of the product, each with its own address. On a phone a list, since a dozen
 * links would take half of the screen.
 */
export function PageTabs(props: { label: string; pages: readonly { to: string; label: string }[] }) {
  const path = useRouterState({ select: (s) => s.location.pathname });
  const navigate = useNavigate();
  return (
    <>
      <Box hiddenFrom="sm">
        <NativeSelect
          aria-label={props.label}
          value={path}
          data={props.pages.map((page) => ({ value: page.to, label: page.label }))}
          onChange={(e) => navigate({ to: e.currentTarget.value })}
        />
      </Box>
      <Group component="nav" aria-label={props.label} gap={2} visibleFrom="sm">
        {props.pages.map((page) => (
          <Button
            key={page.to}
            size="compact-md"
            fz="sm"
            px={8}
            color={path === page.to ? undefined : "gray"}
            c={path === page.to ? undefined : "dimmed"}
            variant={path === page.to ? "light" : "subtle"}
            aria-current={path === page.to ? "page" : undefined}
            renderRoot={(root) => <Link {...root} to={page.to} />}
          >
            {page.label}
          </Button>
        ))}
      </Group>
    </>
  );
}
