import { plural, t } from "@lingui/core/macro";
import { Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useMay } from "../../app/session";
import { TemplateMessage } from "../../components/TemplateMessage";
import { LinkButton, Status } from "../../components/ui";
import { capital, contacts, moment, money, percent } from "../../lib/format";
import { useAttributes } from "../attributes/useAttributes";
import { type Node, sentence } from "../segments/query";
import { templateText } from "../templates/choices";
import type { CampaignDetails } from "./CampaignPage";
import type { Step } from "./draft";
import { goalText, partsOf, testText } from "./experiment";
import { Line } from "./Line";
import { waitsForApproval } from "./outcome";
import { capText, planText, quietText, sendersText } from "./schedule";

/** What a draft would do, block by block, each with the way to change it. */
export function DraftSummary({ campaign: c }: { campaign: CampaignDetails }) {
  const rate = c.rateLimitPerSecond;
  const attributes = useAttributes();
  const parts = partsOf(c.variants);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Stack>
        <Block title={t`Audience`} id={c.id} step="audience">
          <Line label={t`Segment`}>
            {c.segment
              ? [c.segment.name, c.segment.lastCount != null && contacts(c.segment.lastCount)]
                  .filter(Boolean)
                  .join(" · ")
              : c.query
                ? sentence(c.query as Node, attributes)
                : t`None yet`}
          </Line>
          <Line label={t`Topic`}>
            {c.topic ? t`Only subscribers of “${c.topic.name}”` : t`None: everybody in the segment`}
          </Line>
          <Line label={t`Holdout`}>
            {c.holdoutPercent ? t`${percent(c.holdoutPercent / 100)} get nothing, to compare with` : t`Nobody`}
          </Line>
        </Block>
        <Block title={t`Message`} id={c.id} step="message">
          {c.variants.length > 0 ? (
            <>
              {c.variants.map((v, i) => (
                <Line key={v.label} label={t`Variant ${v.label} (${percent(parts[i] ?? 0)})`}>
                  {[templateText(v.template), v.sender?.displayName].filter(Boolean).join(" · ")}
                </Line>
              ))}
              {c.variantTest && <Line label={t`Test`}>{testText(c.variantTest)}</Line>}
            </>
          ) : c.template ? (
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
            <Text c="dimmed" size="sm">{t`No template yet.`}</Text>
          )}
          <Line label={t`Goals`}>{c.goals.map(goalText).join("; ") || t`None`}</Line>
          <Line label={t`Clicks`}>{c.trackLinks ? t`Counted for buttons with click tracking` : t`Not counted`}</Line>
          <Line label={t`UTM parameters`}>
            {[c.utm?.source, c.utm?.medium, c.utm?.campaign].filter(Boolean).join(" · ") || t`None`}
          </Line>
          <Line label={c.senders.length > 1 ? t`Senders` : t`Sender`}>{sendersText(c.senders) || t`None yet`}</Line>
        </Block>
      </Stack>
      <Stack>
        <Block title={t`Launch`} id={c.id} step="review" edit={t`Review`}>
          <Line label={t`Status`}>
            <Status value={waitsForApproval(c) ? "WAITING_FOR_APPROVAL" : c.status} />
          </Line>
          <Line label={t`Schedule`}>{c.schedule ? capital(planText(c.schedule)) : t`By hand`}</Line>
          <Text
            size="sm"
            c="dimmed"
          >{t`The review counts who gets it now, who is excluded and why. A launch can be undone for ten seconds.`}</Text>
        </Block>
        <Block title={t`Pace and hours`} id={c.id} step="schedule">
          <Line label={t`Pace`}>
            {rate
              ? plural(rate, { one: "# message a second", other: "# messages a second" })
              : t`As fast as the sender allows`}
          </Line>
          <Line label={t`Best hour`}>
            {c.bestHour
              ? t`Each recipient gets it in the hour in which they usually read`
              : t`No: as soon as it may go`}
          </Line>
          <Line label={t`Quiet hours`}>{c.quietHours ? quietText(c.quietHours) : t`None`}</Line>
          <Line label={t`Frequency cap`}>{c.frequencyCap ? capText(c.frequencyCap) : t`None`}</Line>
          <Line label={t`Auto-pause`}>
            {c.errorThreshold ? t`When more than ${percent(c.errorThreshold)} fail` : t`Never`}
          </Line>
          <Line label={t`Pilot`}>
            {c.pilot > 0
              ? plural(c.pilot, {
                  one: "The first recipient, then it pauses",
                  other: "The first # recipients, then it pauses",
                })
              : t`None`}
          </Line>
          {c.sendToTeam && <Line label={t`Team`}>{t`Gets a copy as it starts`}</Line>}
          <Line label={t`Budget`}>{c.budget ? money(c.budget.limit) : t`No limit`}</Line>
          <Line label={t`Ends`}>{c.endsAt ? moment(c.endsAt) : t`No end`}</Line>
        </Block>
      </Stack>
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
            params={{ id: props.id }}
            search={{ step: props.step }}
            variant="subtle"
            size="xs"
            aria-label={`${props.edit ?? t`Edit`}: ${props.title}`}
          >
            {props.edit ?? t`Edit`}
          </LinkButton>
        )}
      </Group>
      <Stack gap="xs">{props.children}</Stack>
    </Card>
  );
}
