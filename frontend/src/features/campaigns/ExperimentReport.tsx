import { t } from "@lingui/core/macro";
import { Badge, Button, Card, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useThrottledValue } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { IntervalBar } from "../../components/IntervalBar";
import { graphql } from "../../gql";
import type { CampaignVariantsQuery } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { count, hours, moment, money, percent } from "../../lib/format";
import { modals } from "../../lib/modals";
import { real } from "../../lib/node";
import { notifications } from "../../lib/notifications";
import { goalText, metricLabels } from "./experiment";
import { hasEnded } from "./outcome";
import { liftText, nextText, verdictText } from "./verdict";

const CampaignVariantsDocument = graphql(`
  query CampaignVariants($id: ID!) {
    node(id: $id) {
      ... on Campaign {
        id
        status
        ...ComparedVariants
        variantWinner {
          label
          at
          byOperator
        }
        variantComparison {
          metric
          leader
          runnerUp
          difference
          low
          high
          shown
          moreNeeded
          beyondTest
          left
          decidesAt
          waitingForWinner
          figures {
            label
            recipients
            tried
            sent
            delivered
            read
            clicked
            replied
            goal
            optedOut
            drivesAway
          }
        }
        holdoutPercent
        lift {
          treated
          treatedWrote
          heldOut
          heldOutWrote
          difference
          low
          high
          shown
          withinHours
          until
        }
        goals {
          event
          withinHours
          value {
            amount
            currency
          }
          reached
          total {
            amount
            currency
          }
        }
      }
    }
  }
`);

const CampaignWinnerChooseDocument = graphql(`
  mutation CampaignWinnerChoose($input: CampaignWinnerChooseInput!) {
    campaignWinnerChoose(input: $input) {
      campaign {
        id
        status
        variantWinner {
          label
          at
          byOperator
        }
        variantComparison {
          decidesAt
          waitingForWinner
        }
      }
      userErrors {
        message
      }
    }
  }
`);

type Campaign = Extract<NonNullable<CampaignVariantsQuery["node"]>, { __typename: "Campaign" }>;

/**
 * What the campaign tried out: its variants side by side, its goals, and what it did beside those held out. Read anew when
 * what is counted has changed.
 */
export function ExperimentReport(props: { id: string; changed: string }) {
  const [{ data }, load] = useQuery({
    query: CampaignVariantsDocument,
    variables: { id: props.id },
    requestPolicy: "cache-and-network",
  });
  const changed = useThrottledValue(props.changed, 3000);
  const seen = useRef(changed); // the query itself asks at first
  useEffect(() => {
    if (seen.current === changed) return;
    seen.current = changed;
    load({ requestPolicy: "network-only" });
  }, [changed, load]);
  const c = real(data?.node, "Campaign");
  if (!c) return null;
  return (
    <>
      <Variants campaign={c} />
      <Goals goals={c.goals} />
      <Holdout campaign={c} />
    </>
  );
}

function Variants({ campaign: c }: { campaign: Campaign }) {
  const may = useMay("MARKETER");
  const [choosing, choose] = useMutation(CampaignWinnerChooseDocument);
  const { variantTest: test, variantComparison: shows, variantWinner: winner } = c;
  if (!test || !shows) return null;
  const waiting = shows.waitingForWinner;
  const choosable = may && !winner && waiting > 0 && (c.status === "SENDING" || c.status === "PAUSED");
  const send = (label: string) =>
    modals.openConfirmModal({
      title: t`Send ${label} to the rest?`,
      children: (
        <Stack gap="xs">
          <Text size="sm">{t`The other ${count(waiting)} get variant ${label}. This cannot be undone.`}</Text>
          {!(shows.shown && shows.leader === label) && (
            <Text size="sm">{t`It is not shown that ${label} is better than the others.`}</Text>
          )}
        </Stack>
      ),
      labels: { confirm: t`Send ${label}`, cancel: t`Not now` },
      onConfirm: async () => {
        if (settled(await choose({ input: { id: c.id, variant: label } })))
          notifications.show({ message: t`${label} goes to the rest`, color: "green" });
      },
    });
  const headings = [
    t`Variant`,
    t`Sent to`,
    t`Delivered`,
    t`Read`,
    t`Clicked`,
    t`Replied`,
    ...(c.goals.length > 0 ? [t`Goal`] : []),
    t`Opted out`,
  ];
  const away = shows.figures.filter((f) => f.drivesAway).map((f) => f.label);
  return (
    <Card padding={0}>
      <Stack px="lg" pt="md" gap="xs">
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h4">{t`Variants`}</Title>
          <Text size="sm" c="dimmed">{t`Compared by “${metricLabels[shows.metric]}”`}</Text>
        </Group>
        <Text data-testid="verdict">{verdictText(shows, shows.figures.length)}</Text>
        {shows.leader && shows.runnerUp && (
          <IntervalBar
            difference={shows.difference}
            low={shows.low}
            high={shows.high}
            label={t`${metricLabels[shows.metric]}: ${shows.leader} against ${shows.runnerUp}`}
          />
        )}
        {away.map((label) => (
          <Text key={label} size="sm" c="red">{t`More people opt out after ${label} than after another variant.`}</Text>
        ))}
        <Text size="sm" c="dimmed" data-testid="what-next">
          {nextText(test, shows, winner, hasEnded(c.status))}
        </Text>
      </Stack>
      <Table className="cards" mt="sm" aria-label={t`Variants`}>
        <Table.Thead>
          <Table.Tr>
            {headings.map((h, i) => (
              <Table.Th key={h} ta={i > 0 ? "right" : undefined}>
                {h}
              </Table.Th>
            ))}
            {choosable && <Table.Th />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shows.figures.map((f) => {
            const { template, sender } = c.variants.find((v) => v.label === f.label) ?? {};
            const figures = [
              f.delivered,
              f.read,
              f.clicked,
              f.replied,
              ...(c.goals.length ? [f.goal] : []),
              f.optedOut,
            ];
            return (
              <Table.Tr key={f.label}>
                <Table.Td data-label={t`Variant`}>
                  <Group gap="xs" wrap="nowrap">
                    <Text fw={650}>{f.label}</Text>
                    {template && (
                      <div>
                        <Link to="/templates/$id" params={{ id: template.id }} className="plain">
                          {template.name}
                        </Link>
                        {sender && (
                          <Text size="xs" c="dimmed">
                            {sender.displayName}
                          </Text>
                        )}
                      </div>
                    )}
                    {winner?.label === f.label && <Badge radius="sm" variant="light" tt="none">{t`Winner`}</Badge>}
                  </Group>
                </Table.Td>
                <Table.Td data-label={headings[1]} ta="right">
                  <Figure n={f.tried} beside={f.recipients > f.tried ? t`of ${count(f.recipients)}` : ""} />
                </Table.Td>
                {figures.map((n, i) => (
                  <Table.Td key={headings[i + 2]} data-label={headings[i + 2]} ta="right">
                    <Figure n={n} beside={f.tried > 0 ? percent(n / f.tried) : ""} />
                  </Table.Td>
                ))}
                {choosable && (
                  <Table.Td ta="right">
                    <Button
                      size="xs"
                      variant={shows.shown && shows.leader === f.label ? "filled" : "default"}
                      loading={choosing.fetching}
                      onClick={() => send(f.label)}
                    >{t`Send ${f.label} to the rest`}</Button>
                  </Table.Td>
                )}
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      <Text
        size="xs"
        c="dimmed"
        p="md"
        pt="xs"
      >{t`Of the test alone. Shares are of those it was sent to. “95% sure” holds for all pairs of variants together, and however often you look.`}</Text>
    </Card>
  );
}

function Figure({ n, beside }: { n: number; beside: string }) {
  return (
    <div>
      <Text size="sm" span fw={600}>
        {count(n)}
      </Text>
      <Text size="xs" c="dimmed">
        {beside}
      </Text>
    </div>
  );
}

function Goals({ goals }: { goals: Campaign["goals"] }) {
  if (goals.length === 0) return null;
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">
        {t`Goals`}
      </Title>
      <Stack gap="xs">
        {goals.map((g) => (
          <Group key={g.event} justify="space-between">
            <Text size="sm">{goalText(g)}</Text>
            <Text size="sm" fw={600} data-testid={`goal-${g.event}`}>
              {g.total ? t`${count(g.reached)} reached it, ${money(g.total)}` : t`${count(g.reached)} reached it`}
            </Text>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}

function Holdout({ campaign: c }: { campaign: Campaign }) {
  const { lift } = c;
  if (!lift) return null;
  return (
    <Card>
      <Stack gap="xs">
        <Title order={2} size="h4">{t`Holdout`}</Title>
        <Text data-testid="lift">{liftText(lift)}</Text>
        <IntervalBar difference={lift.difference} low={lift.low} high={lift.high} label={t`Wrote, against held out`} />
        <Text size="xs" c="dimmed">
          {t`${count(lift.heldOut)} held out, ${count(lift.treated)} to get it, counted as they were drawn, whatever became of their message.`}{" "}
          {lift.until
            ? t`What they write counts until ${moment(lift.until)}.`
            : t`What they write counts until ${hours(lift.withinHours)} after the campaign has ended.`}
        </Text>
      </Stack>
    </Card>
  );
}
