import { plural, t } from "@lingui/core/macro";
import { Card, Group, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type LinkProps, linkOptions } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { LinkButton } from "../../components/ui";
import { graphql } from "../../gql";
import type { DashboardAttentionFragment } from "../../gql/graphql";
import { countedTo, mostUnread, sentence } from "../../lib/format";

graphql(`
  fragment DashboardAttention on Attention {
    campaigns {
      id
      name
      status
      pausedReason
      failure
      startError
    }
    approvals {
      id
      name
      approval {
        state
        reason
        askedBy {
          id
          name
        }
        decidedBy {
          id
          name
        }
      }
    }
    optOutReviews
    templatesRejected
    sendersStopped
    messagesUndecided
    conversationsUnread
  }
`);

type Item = {
  key: string;
  text: string;
  hint?: ReactNode;
  link: LinkProps;
  act: string;
};

/** What waits for a person, the most harmful first. */
function itemsOf(a: DashboardAttentionFragment): Item[] {
  const items: (Item | false)[] = [
    ...a.campaigns.map((c) => ({
      key: c.id,
      text:
        c.status === "PAUSED"
          ? t`“${c.name}” was paused by the engine`
          : c.status === "FAILED"
            ? t`“${c.name}” failed`
            : t`“${c.name}” cannot start`,
      hint: sentence(c.pausedReason ?? c.failure ?? c.startError ?? "").replace(/^\.$/, ""),
      link: linkOptions({ to: "/campaigns/$id", params: { id: c.id } }),
      act: t`Open`,
    })),
    ...a.approvals.map((c) => {
      const who = (c.approval?.state === "WAITING" ? c.approval.askedBy : c.approval?.decidedBy)?.name;
      return {
        key: `approval ${c.id}`,
        text: c.approval?.state === "WAITING" ? t`“${c.name}” waits for approval` : t`“${c.name}” was sent back`,
        hint: c.approval?.reason ? <bdi>{c.approval.reason}</bdi> : who && t`${who} asked for it.`,
        link: linkOptions({ to: "/campaigns/$id", params: { id: c.id } }),
        act: t`Open`,
      };
    }),
    a.sendersStopped > 0 && {
      key: "senders",
      text: plural(a.sendersStopped, { one: "# sender does not send", other: "# senders do not send" }),
      link: linkOptions({ to: "/settings/senders" }),
      act: t`Open`,
    },
    a.messagesUndecided > 0 && {
      key: "undecided",
      text: plural(a.messagesUndecided, { one: "# message needs a decision", other: "# messages need a decision" }),
      hint: t`Nothing tells whether Twilio has it: send again, or give up.`,
      link: linkOptions({ to: "/monitoring/decisions" }),
      act: t`Decide`,
    },
    a.optOutReviews > 0 && {
      key: "reviews",
      text: plural(a.optOutReviews, { one: "# reply may be an opt-out", other: "# replies may be opt-outs" }),
      hint: t`They get no campaign until somebody has decided.`,
      link: linkOptions({ to: "/compliance/$tab", params: { tab: "reviews" } }),
      act: t`Review`,
    },
    a.templatesRejected > 0 && {
      key: "templates",
      text: plural(a.templatesRejected, { one: "# template was rejected", other: "# templates were rejected" }),
      link: linkOptions({ to: "/templates" }),
      act: t`Open`,
    },
    a.conversationsUnread > 0 && {
      key: "unread",
      text:
        a.conversationsUnread === 1
          ? t`1 unread conversation`
          : t`${countedTo(a.conversationsUnread, mostUnread)} unread conversations`,
      link: linkOptions({ to: "/inbox" }),
      act: t`Open`,
    },
  ];
  return items.filter((i) => i !== false);
}

/** Nothing is shown where nobody is needed. */
export function Attention({ of }: { of: DashboardAttentionFragment }) {
  const items = itemsOf(of);
  if (items.length === 0) return null;
  return (
    <Card>
      <Group gap="xs" mb="sm">
        <IconAlertTriangle size={18} aria-hidden />
        <Title order={2} size="h4">{t`Needs attention`}</Title>
      </Group>
      <Stack gap="xs">
        {items.map((i) => (
          <Group key={i.key} justify="space-between" wrap="nowrap">
            <div>
              <Text size="sm" fw={550}>
                {i.text}
              </Text>
              {i.hint && (
                <Text size="xs" c="dimmed">
                  {i.hint}
                </Text>
              )}
            </div>
            <LinkButton {...i.link} variant="default" size="xs" aria-label={`${i.act}: ${i.text}`}>
              {i.act}
            </LinkButton>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}
