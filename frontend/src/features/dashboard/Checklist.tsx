import { t } from "@lingui/core/macro";
import { Box, Card, Group, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { linkOptions } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useMay } from "../../app/session";
import { LinkButton } from "../../components/ui";

type Done = { contacts: boolean; segment: boolean; template: boolean; campaign: boolean; live: boolean };

/** The way to the first launch: what is done, and what is next. */
export function Checklist(props: { done: Done; children?: ReactNode }) {
  const admin = useMay("ADMIN");
  const steps = [
    {
      done: props.done.contacts,
      link: linkOptions({ to: "/contacts/import" }),
      title: t`Import contacts`,
      text: t`A CSV, Excel or JSON file, as your shop or CRM exports it.`,
    },
    {
      done: props.done.segment,
      link: linkOptions({ to: "/segments/$id", params: { id: "new" } }),
      title: t`Build a segment`,
      text: t`Choose who gets it; the count follows while you build.`,
    },
    {
      done: props.done.template,
      link: linkOptions({ to: "/templates/$id", params: { id: "new" } }),
      title: t`Write a template`,
      text: t`WhatsApp approves it first, usually within minutes.`,
    },
    {
      done: props.done.campaign,
      link: linkOptions({ to: "/campaigns/new" }),
      title: t`Launch a campaign`,
      text: t`You see who gets it and who is excluded before anything goes out.`,
    },
    ...(admin
      ? [
          {
            done: props.done.live,
            link: linkOptions({ to: "/settings/live" }),
            title: t`Go live with Twilio`,
            text: t`Try things out first if you like: until then nothing reaches a phone.`,
          },
        ]
      : []),
  ];
  const next = steps.findIndex((s) => !s.done);
  return (
    <Card maw={720}>
      <Title order={2} size="h4">{t`Launch your first campaign`}</Title>
      <Text
        mt={4}
        mb="xs"
      >{t`Send WhatsApp campaigns to the people who agreed to get them, see what became of every message, and answer their replies in one inbox.`}</Text>
      <Text size="sm" c="dimmed" mb="md">
        {t`${steps.filter((s) => s.done).length} of ${steps.length} steps done`}
      </Text>
      <Stack gap="lg">
        {steps.map((s, i) => (
          <Group key={s.title} wrap="nowrap" gap="md" align="center">
            <ThemeIcon
              radius="xl"
              size={32}
              color={s.done ? "brand" : "gray"}
              variant={s.done || i === next ? "filled" : "default"}
            >
              {s.done ? <IconCheck size={18} aria-label={t`Done`} /> : <Text size="sm">{i + 1}</Text>}
            </ThemeIcon>
            <Box flex={1}>
              <Text fw={550}>{s.title}</Text>
              <Text size="sm" c="dimmed">
                {s.text}
              </Text>
            </Box>
            {!s.done && (
              <LinkButton {...s.link} variant={i === next ? "filled" : "default"} size="xs" aria-label={s.title}>
                {i === next ? t`Start` : t`Open`}
              </LinkButton>
            )}
          </Group>
        ))}
      </Stack>
      {props.children}
    </Card>
  );
}
