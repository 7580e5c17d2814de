import "./Shell.css";

import { t } from "@lingui/core/macro";
import {
  ActionIcon,
  Alert,
  Badge,
  Box,
  Burger,
  Group,
  NavLink,
  Text,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import {
  IconActivity,
  IconAddressBook,
  IconCloudOff,
  IconDashboard,
  IconFilter,
  IconInbox,
  IconLogout,
  IconMessage2,
  IconMoonStars,
  IconSearch,
  IconSend,
  IconSettings,
  IconShieldCheck,
  IconSun,
  IconTags,
  IconUserCircle,
} from "@tabler/icons-react";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { useMutation } from "urql";
import { DropdownMenu } from "../components/Dropdown";
import { Initials } from "../components/Person";
import { useSettingsPages } from "../features/settings/pages";
import { graphql } from "../gql";
import { midSentence, words } from "../lib/format";
import { forgetAll } from "../lib/kept";
import { useNotices } from "../lib/notices";
import { focusSearch, useShortcuts } from "../lib/shortcuts";
import { product } from "../lib/title";
import { zoneName } from "../lib/zone";
import { useAway } from "./connection";
import { Hints } from "./Hints";
import { SendingHold } from "./SendingHold";
import { useMay, useSession } from "./session";
import { Unread } from "./Unread";

const Notices = lazy(async () => ({ default: (await import("../features/inbox/Notices")).Notices }));
const ShortcutsHelp = lazy(async () => ({ default: (await import("./ShortcutsHelp")).ShortcutsHelp }));
const Palette = lazy(async () => ({ default: (await import("./Palette")).Palette }));

const groups = [
  {
    pages: [
      { to: "/", label: t`Dashboard`, icon: IconDashboard, key: "d" },
      { to: "/inbox", label: t`Inbox`, icon: IconInbox, key: "i" },
    ],
  },
  {
    name: t`Audience`,
    pages: [
      { to: "/contacts", label: t`Contacts`, icon: IconAddressBook, key: "c" },
      { to: "/segments", label: t`Segments`, icon: IconFilter, key: "s" },
      { to: "/topics", label: t`Topics`, icon: IconTags, key: "o" },
    ],
  },
  {
    name: t`Messaging`,
    pages: [
      { to: "/campaigns", label: t`Campaigns`, icon: IconSend, key: "a" },
      { to: "/templates", label: t`Templates`, icon: IconMessage2, key: "t" },
    ],
  },
  {
    name: t`Operations`,
    pages: [
      { to: "/monitoring", label: t`Monitoring`, icon: IconActivity, key: "m" },
      { to: "/compliance", label: t`Compliance`, icon: IconShieldCheck, key: "p" },
      { to: "/settings", label: t`Settings`, icon: IconSettings, key: "e" },
    ],
  },
] as const;
const pages = groups.flatMap((g) => [...g.pages]);
/** What the palette leads to beside the pages of the navigation and of the settings. */
const deeper = [
  { to: "/monitoring/webhooks", label: t`Webhooks`, icon: IconActivity },
  { to: "/monitoring/check", label: t`Health check`, icon: IconActivity },
  { to: "/monitoring/decisions", label: t`Unconfirmed messages`, icon: IconActivity },
  { to: "/account", label: t`Account`, icon: IconUserCircle },
] as const;

const SignOutDocument = graphql(`
  mutation SignOut {
    signOut {
      userErrors {
        message
      }
    }
  }
`);

export function Shell() {
  const [opened, { toggle, close }] = useDisclosure();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const session = useSession();
  const workspace = session.account?.workspace.name || product;
  const may = useMay("MARKETER");
  const settings = useSettingsPages();
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  const colorScheme = useComputedColorScheme();
  const [, signOut] = useMutation(SignOutDocument);
  const [palette, setPalette] = useState(0);
  const [notices] = useNotices();
  const openPalette = () => setPalette((n) => n + 1);
  const [help, setHelp] = useState(false);
  const away = useAway();
  useShortcuts(t`Everywhere`, [
    { keys: "$mod+k", label: t`Search and go to…`, run: openPalette },
    { keys: "/", label: t`Search on this page`, run: focusSearch },
    { keys: "[Shift]+?", label: t`Show these shortcuts`, run: () => setHelp(true) },
  ]);
  useShortcuts(
    t`Go to`,
    pages.map((p) => ({ keys: `g ${p.key}`, label: p.label, run: () => navigate({ to: p.to }) })),
  );
  useEffect(close, [path]); // the menu closes on every change of page
  return (
    <div className="shell">
      <a href="#main" className="skip-link">{t`Skip to the page`}</a>
      {/* The second class is the dialogs': the header stays where it is while one hides the page's scroll bar. */}
      <header className="shell-header right-scroll-bar-position">
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t`Navigation`} />
            <Link to="/" className="plain" aria-label={t`${workspace}, dashboard`}>
              <Group gap={8} wrap="nowrap">
                <img src="/icon.svg" width={26} height={26} alt="" />
                <Text fw={650} visibleFrom="xs" truncate maw={{ xs: 180, md: 360 }}>
                  {workspace}
                </Text>
              </Group>
            </Link>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Badge
              data-hint={
                session.setup.live ? t`Messages go out over Twilio` : t`Messages are simulated and never reach a phone`
              }
              variant="light"
              color={session.setup.live ? "red" : "grape"}
              tt="none"
              autoContrast
              miw="max-content"
              styles={{ label: { color: "light-dark(#3b2a4a, #f3e8ff)" } }}
            >
              {session.setup.live ? t`Twilio live` : t`Sandbox`}
            </Badge>
            <ActionIcon
              data-hint={t`Search (Ctrl K)`}
              variant="default"
              size="lg"
              aria-label={t`Search and go to`}
              onClick={openPalette}
            >
              <IconSearch size={18} />
            </ActionIcon>
            <ActionIcon
              data-hint={t`Light or dark`}
              variant="default"
              size="lg"
              aria-label={t`Switch between light and dark`}
              onClick={() => setColorScheme(colorScheme === "dark" ? "light" : "dark")}
            >
              {colorScheme === "dark" ? <IconSun size={18} /> : <IconMoonStars size={18} />}
            </ActionIcon>
            <DropdownMenu
              position="bottom-end"
              target={
                <UnstyledButton aria-label={t`Account of ${session.viewer.name}`} px={6}>
                  <Group gap={8} wrap="nowrap">
                    <Initials name={session.viewer.name} />
                    <Text size="sm" fw={550} maw={140} truncate visibleFrom="sm">
                      {session.viewer.name}
                    </Text>
                  </Group>
                </UnstyledButton>
              }
            >
              {(Menu) => (
                <>
                  <Menu.Label>
                    {session.viewer.name} · {session.viewer.email} · {midSentence(words(session.viewer.role))}
                  </Menu.Label>
                  <Menu.Item
                    leftSection={<IconUserCircle size={16} />}
                    onClick={() => navigate({ to: "/account" })}
                  >{t`Account`}</Menu.Item>
                  <Menu.Item
                    leftSection={<IconLogout size={16} />}
                    onClick={async () => {
                      await signOut({});
                      forgetAll();
                      session.reload();
                    }}
                  >{t`Sign out`}</Menu.Item>
                </>
              )}
            </DropdownMenu>
          </Group>
        </Group>
      </header>
      <nav className="shell-navigation" aria-label={t`Pages`} data-opened={opened || undefined}>
        <div>
          {groups.map((g) => (
            <Box key={g.pages[0].to} mb={10}>
              {"name" in g && (
                <Text size="xs" c="dimmed" fw={550} px={10} pb={4}>
                  {g.name}
                </Text>
              )}
              {g.pages.map((p) => (
                <NavLink
                  key={p.to}
                  component={Link}
                  to={p.to}
                  label={p.label}
                  leftSection={<p.icon size={18} stroke={1.7} />}
                  rightSection={p.to === "/inbox" ? <Unread /> : undefined}
                  active={p.to === "/" ? path === "/" : path.startsWith(p.to)}
                  aria-current={(p.to === "/" ? path === "/" : path.startsWith(p.to)) ? "page" : undefined}
                  style={{ borderRadius: 8 }}
                />
              ))}
            </Box>
          ))}
        </div>
        <Text size="xs" c="dimmed" p="xs">
          {t`Times in ${zoneName()}`}
          <br />
          {t`Version ${session.setup.version}`}
        </Text>
      </nav>
      <main className="shell-main" id="main" tabIndex={-1}>
        {away && (
          <Alert
            color="yellow"
            icon={<IconCloudOff />}
            title={t`No connection to the server`}
            mb="md"
            styles={{ title: { color: "var(--mantine-color-text)" } }}
          >{t`What you see may be out of date. This page reconnects by itself, and what you are writing is kept.`}</Alert>
        )}
        <Hints />
        <SendingHold />
        <Outlet />
      </main>
      {help && (
        <Suspense>
          <ShortcutsHelp opened onClose={() => setHelp(false)} />
        </Suspense>
      )}
      {notices && (
        <Suspense>
          <Notices />
        </Suspense>
      )}
      {palette > 0 && (
        <Suspense>
          <Palette
            opened={palette}
            actions={[
              {
                group: t`Actions`,
                actions: may
                  ? [
                      { id: "import", label: t`Import contacts`, onClick: () => navigate({ to: "/contacts/import" }) },
                      { id: "new-campaign", label: t`New campaign`, onClick: () => navigate({ to: "/campaigns/new" }) },
                      {
                        id: "new-segment",
                        label: t`New segment`,
                        onClick: () => navigate({ to: "/segments/$id", params: { id: "new" } }),
                      },
                      {
                        id: "new-template",
                        label: t`New template`,
                        onClick: () => navigate({ to: "/templates/$id", params: { id: "new" } }),
                      },
                    ]
                  : [],
              },
              {
                group: t`Pages`,
                actions: [...pages, ...deeper].map((p) => ({
                  id: p.to,
                  label: p.label,
                  leftSection: <p.icon size={18} />,
                  onClick: () => navigate({ to: p.to }),
                })),
              },
              {
                group: t`Settings`,
                actions: settings.map((p) => ({
                  id: `settings ${p.to}`,
                  label: p.label,
                  leftSection: <IconSettings size={18} />,
                  onClick: () => navigate({ to: p.to }),
                })),
              },
            ]}
          />
        </Suspense>
      )}
    </div>
  );
}
