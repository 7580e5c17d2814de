import { Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useMay } from "../../app/session";
import { TemplateMessage } from "../../components/TemplateMessage";
import { LinkButton, Status } from "../../components/ui";
import { count, decimal, moment, money, percent } from "../../lib/format";
import { useAttributes } from "../attributes/useAttributes";
import { type Node, sentence } from "../segments/query";
import type { CampaignDetails } from "./CampaignPage";
import type { Step } from "./draft";
import { capText, planText, quietText, sendersText } from "./schedule";

/** What a draft would do, block by block, each with the way to change it. */
export function DraftSummary({ campaign: c }: { campaign: CampaignDetails }) {
  const rate = c.rateLimitPerSecond;
  const attributes = useAttributes();
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Block title="Audience" id={c.id} step="audience">
        <Line label="Segment">
          {c.segment
            ? `${c.segment.name} · ${count(c.segment.lastCount)} contacts`
            : c.query
              ? sentence(c.query as Node, attributes)
              : "None yet"}
        </Line>
        <Line label="Topic">
          {c.topic ? `Only subscribers of “${c.topic.name}”` : "None: everybody in the segment"}
        </Line>
      </Block>
      <Block title="Message" id={c.id} step="message">
        {c.template ? (
          <>
            <Group gap="xs">
              <Text fw={550}>{c.template.name}</Text>
              <Status value={c.template.approvalStatus} />
            </Group>
            <div className="paper-phone">
              <TemplateMessage template={c.template} />
            </div>
          </>
        ) : (
          <Text c="dimmed" size="sm">
            No template yet.
          </Text>
        )}
        <Line label={c.senders.length > 1 ? "Senders" : "Sender"}>{sendersText(c.senders) || "None yet"}</Line>
      </Block>
      <Block title="Pace and hours" id={c.id} step="schedule">
        <Line label="Pace">{rate ? `${decimal(rate)} messages a second` : "As fast as the sender may"}</Line>
        <Line label="Quiet hours">{c.quietHours ? quietText(c.quietHours) : "None"}</Line>
        <Line label="Frequency cap">{c.frequencyCap ? capText(c.frequencyCap) : "None"}</Line>
        <Line label="Auto-pause">
          {c.errorThreshold ? `When more than ${percent(c.errorThreshold)} fail` : "Never"}
        </Line>
        <Line label="Budget">{c.budget ? money(c.budget.limit) : "No limit"}</Line>
        <Line label="Ends">{c.endsAt ? moment(c.endsAt) : "No end"}</Line>
      </Block>
      <Block title="Launch" id={c.id} step="review" edit="Review">
        <Line label="Status">
          <Status value={c.status} />
        </Line>
        <Line label="Schedule">{c.schedule ? planText(c.schedule) : "By hand"}</Line>
        <Text size="sm" c="dimmed">
          The review counts who gets it now, who is excluded and why. A launch can be undone for ten seconds.
        </Text>
      </Block>
    </SimpleGrid>
  );
}

function Block(props: { title: string; id: string; step: Step; edit?: string; children: ReactNode }) {
  const may = useMay("MARKETER");
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          {props.title}
        </Title>
        {may && (
          <LinkButton
            to="/campaigns/$id/edit"
            params={{ id: props.id } as never}
            search={{ step: props.step } as never}
            variant="subtle"
            size="xs"
            aria-label={`${props.edit ?? "Edit"}: ${props.title}`}
          >
            {props.edit ?? "Edit"}
          </LinkButton>
        )}
      </Group>
      <Stack gap="xs">{props.children}</Stack>
    </Card>
  );
}

function Line({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap" gap="lg">
      <Text size="sm" c="dimmed" miw="max-content">
        {label}
      </Text>
      <Text component="div" size="sm" ta="right" style={{ overflowWrap: "anywhere" }}>
        {children}
      </Text>
    </Group>
  );
}
