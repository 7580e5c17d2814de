import { t } from "@lingui/core/macro";
import {
  Badge,
  Box,
  Button,
  type ButtonProps,
  Card,
  Center,
  Group,
  Skeleton,
  Stack,
  Text,
  ThemeIcon,
  Title,
  VisuallyHidden,
} from "@mantine/core";
import { IconChevronLeft, IconZoomQuestion } from "@tabler/icons-react";
import { createLink, Link } from "@tanstack/react-router";
import { type ComponentPropsWithRef, type ReactNode, useEffect, useRef, useState } from "react";
import { words } from "../lib/format";
import { modals } from "../lib/modals";
import { setPageTitle } from "../lib/title";

export function Page(props: {
  title: string;
  description?: ReactNode;
  actions?: ReactNode;
  /** The page that this one belongs to. */
  up?: { to: string; label: string };
  /** Of an editor: on a phone the actions stay in reach below what is edited. */
  editor?: boolean;
  children: ReactNode;
}) {
  useEffect(() => {
    setPageTitle(props.title);
  }, [props.title]);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Whoever came here by a link reads on at the page's heading; a field that takes the focus keeps it.
    const at = document.activeElement;
    if (window.history.state?.__TSR_index > 0 && (!at || at === document.body || at.closest("nav")))
      heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <Stack gap="lg" className={props.editor ? "editor-page" : undefined}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Box miw={0} style={{ overflowWrap: "anywhere" }}>
          {props.up && (
            <Link to={props.up.to} className="page-up no-print">
              <IconChevronLeft size={15} aria-hidden />
              {props.up.label}
            </Link>
          )}
          <Title order={1} size="h2" ref={heading} tabIndex={-1}>
            {props.title}
          </Title>
          {props.description && (
            <Text component="div" c="dimmed" size="sm" mt={4}>
              {props.description}
            </Text>
          )}
        </Box>
        {props.actions && (
          <Group gap="sm" className="page-actions">
            {props.actions}
          </Group>
        )}
      </Group>
      {props.children}
    </Stack>
  );
}

export function Rows(props: { n?: number }) {
  return (
    <Stack gap="xs" aria-hidden>
      {Array.from({ length: props.n ?? 6 }, (_, i) => (
        <Skeleton key={i} h={40} />
      ))}
    </Stack>
  );
}

export function Empty(props: {
  icon: ReactNode;
  title: string;
  children: ReactNode;
  action?: ReactNode;
  /** Without a frame, where it fills a pane. */
  bare?: boolean;
  /** Where it is all of the page: its title is the page's. */
  page?: boolean;
}) {
  const { page, title } = props;
  useEffect(() => {
    if (page) setPageTitle(title);
  }, [page, title]);
  return (
    <Card withBorder={!props.bare} bg={props.bare ? "transparent" : undefined}>
      <Center py="xl">
        <Stack align="center" gap="sm" maw={460}>
          <ThemeIcon size={56} radius="xl" variant="light">
            {props.icon}
          </ThemeIcon>
          <Text component={page ? "h1" : "p"} m={0} fw={600} size="lg" ta="center">
            {title}
          </Text>
          <Text c="dimmed" ta="center" size="sm">
            {props.children}
          </Text>
          {props.action}
        </Stack>
      </Center>
    </Card>
  );
}

/** All of a page whose thing is not there: it was deleted, or the address is wrong. */
export function Missing(props: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <Empty page icon={<IconZoomQuestion />} title={props.title} action={props.action}>
      {props.children}
    </Empty>
  );
}

/** In place of what others may not see. */
export const OnlyAdmins = () => (
  <Card>
    <Text size="sm">{t`Only an admin can see this page.`}</Text>
  </Card>
);

export function Stat(props: { label: string; value: ReactNode; hint?: ReactNode; testId?: string }) {
  return (
    <Card padding="md">
      <Text size="xs" c="dimmed" fw={550}>
        {props.label}
      </Text>
      <Text className="figures" fw={650} fz={26} lh={1.25} data-testid={props.testId}>
        {props.value}
      </Text>
      {props.hint && (
        <Text size="xs" c="dimmed">
          {props.hint}
        </Text>
      )}
    </Card>
  );
}

const colors: Record<string, string> = {
  ACTIVE: "green",
  APPROVED: "green",
  COMPLETED: "green",
  CONFIRMED: "green",
  DELIVERED: "green",
  OK: "green",
  ONLINE: "green",
  OPTED_IN: "green",
  READ: "green",
  RECEIVED: "grape",
  ACCEPTED: "blue",
  ASKED: "blue",
  CREATING: "blue",
  "ONLINE:UPDATING": "blue",
  PREPARING: "blue",
  QUEUED: "blue",
  RUNNING: "blue",
  SCHEDULED: "blue",
  SENDING: "blue",
  SENT: "blue",
  SUBMITTED: "blue",
  SUBMITTING: "blue",
  PAUSED: "yellow",
  PENDING_VERIFICATION: "yellow",
  TWILIO_REVIEW: "yellow",
  VERIFYING: "yellow",
  PENDING: "gray",
  SKIPPED: "gray",
  WAITING: "blue",
  WAITING_FOR_APPROVAL: "yellow",
  WARN: "yellow",
  WARNING: "yellow",
  BAD: "red",
  DECLINED: "red",
  FAILED: "red",
  OFFLINE: "red",
  OPTED_OUT: "red",
  REJECTED: "red",
  DISABLED: "red",
  UNDELIVERED: "red",
  UNKNOWN: "gray",
};

/** The colour of where something stands. */
export const statusColor = (value: string) => colors[value] ?? "gray";

/** One word for where something stands; the colour only helps. */
export function Status(props: { value: string; label?: string }) {
  return (
    <Badge
      variant="light"
      radius="sm"
      color={statusColor(props.value)}
      tt="none"
      fw={550}
      miw={props.label ? undefined : "max-content"}
      maw="100%"
    >
      {props.label ?? words(props.value)}
    </Badge>
  );
}

const LinkedButton = (props: ButtonProps & ComponentPropsWithRef<"a">) => <Button component="a" {...props} />;
/** A button that leads somewhere else: to, params and search are checked as those of a Link. */
export const LinkButton = createLink(LinkedButton);

/** Says that what is on the screen was not saved yet, and offers what is saved instead. */
export function Unsaved(props: { discard: () => void }) {
  return (
    <Group gap="xs" role="status">
      <Text size="sm" c="dimmed">{t`Not saved yet; kept in this tab.`}</Text>
      <Button size="compact-xs" variant="subtle" onClick={props.discard}>{t`Discard`}</Button>
    </Group>
  );
}

/** For an element that scrolls by itself: the keyboard reaches it, and it has a name. */
export const scrollable = (name: string) => ({ tabIndex: 0, role: "region", "aria-label": name });

export function Live(props: { children: ReactNode }) {
  return (
    <VisuallyHidden role="status" aria-live="polite">
      {props.children}
    </VisuallyHidden>
  );
}

export function LoadMore(props: { more?: boolean; loading: boolean; onMore: () => void; children?: ReactNode }) {
  // Only while it fetches what was asked for here: a list that is read again by itself must not turn the button off
  // under the pointer.
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (!props.loading) setAsked(false);
  }, [props.loading]);
  if (!props.more) return null;
  return (
    <Center>
      <Button
        variant="default"
        loading={asked && props.loading}
        onClick={() => {
          setAsked(true);
          props.onMore();
        }}
      >
        {props.children ?? t`Show more`}
      </Button>
    </Center>
  );
}

/** Deletes a thing of a list; children tell what goes and what stays. */
export function DeleteButton(props: { name: string; children: ReactNode; onDelete: () => void }) {
  const ask = () =>
    modals.openConfirmModal({
      title: t`Delete “${props.name}”?`,
      children: <Text size="sm">{props.children}</Text>,
      labels: { confirm: t`Delete`, cancel: t`Keep` },
      confirmProps: { color: "red" },
      onConfirm: props.onDelete,
    });
  return (
    <Button
      size="xs"
      variant="subtle"
      color="red"
      aria-label={t`Delete ${props.name}`}
      onClick={ask}
    >{t`Delete`}</Button>
  );
}
