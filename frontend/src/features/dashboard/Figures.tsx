import { plural, t } from "@lingui/core/macro";
import { Card, Divider, Group, Text } from "@mantine/core";
import type { DashboardNumbersFragment, DashboardPeriodFragment } from "../../gql/graphql";
import { count, money, percentOf } from "../../lib/format";
import { type Change, changeOf, pointsOf } from "./range";

/** The figures of a range beside those of the one before. */
export function Figures(props: {
  now: DashboardNumbersFragment;
  before: DashboardPeriodFragment;
  compared: string;
  spent: readonly { amount: string; currency: string }[];
  /** Whether the sandbox is left behind. */
  live: boolean;
}) {
  const { now: d, before: b } = props;
  const p = d.period;
  const sent = b.tried > 0;
  const share = (n: number, tried: number) => (tried > 0 ? n / tried : 0);
  const rate = (label: string, n: number, was: number, goodUp: boolean) => ({
    label,
    value: p.tried > 0 ? percentOf(share(n, p.tried)) : "–",
    hint: count(n),
    change: p.tried > 0 ? pointsOf(share(n, p.tried), share(was, b.tried), sent) : null,
    goodUp,
  });
  const figures: { label: string; value: string; hint: string; change: Change | null; goodUp: boolean; id?: string }[] =
    [
      {
        label: t`Messages sent`,
        value: count(p.tried),
        hint: t`${count(p.accepted)} handed to WhatsApp`,
        change: changeOf(p.tried, b.tried, sent),
        goodUp: true,
        id: "accepted",
      },
      rate(t`Delivered`, p.delivered, b.delivered, true),
      rate(t`Read`, p.read, b.read, true),
      ...(d.countsClicks || p.clicked > 0 || b.clicked > 0 ? [rate(t`Clicked`, p.clicked, b.clicked, true)] : []),
      rate(t`Replied`, p.replied, b.replied, true),
      rate(t`Failed`, p.failed, b.failed, false),
      rate(t`Opted out`, p.optedOut, b.optedOut, false),
      {
        label: t`Messages received`,
        value: count(p.received),
        hint: t`From contacts`,
        change: changeOf(p.received, b.received, b.received > 0 || sent),
        goodUp: true,
      },
    ];
  // These are of no range.
  const standing = [
    {
      label: t`Contacts now`,
      value: count(d.contacts),
      hint: t`${count(d.optedIn)} opted in, ${count(d.unreachable)} unreachable`,
    },
    ...(props.spent.length > 0
      ? [
          {
            label: props.live ? t`Cost this month` : t`Simulated cost this month`,
            value: props.spent.map(money).join(" + "),
            hint: props.live ? t`At Meta’s and Twilio’s list prices` : t`Nothing is charged in the sandbox`,
          },
        ]
      : []),
  ];
  return (
    <Card>
      <div className="figures-row">
        {figures.map((f) => (
          <div key={f.label}>
            <Text size="xs" c="dimmed" fw={550}>
              {f.label}
            </Text>
            <Text className="figures" fw={650} fz={24} lh={1.3} data-testid={f.id}>
              {f.value}
            </Text>
            <Text size="xs" c="dimmed">
              {f.hint}
            </Text>
            {f.change && (
              <Text size="xs" c={tone(f.change, f.goodUp)}>
                {f.change.text}
              </Text>
            )}
          </div>
        ))}
      </div>
      <Text size="xs" c="dimmed" mt="md">
        {plural(p.tried, {
          one: "Percentages are of the # message sent.",
          other: "Percentages are of the # messages sent.",
        })}{" "}
        {sent || b.received > 0
          ? t`Changes are against ${props.compared}.`
          : t`There is no earlier data to compare with.`}
      </Text>
      <Divider my="md" />
      <Group gap="xl">
        {standing.map((f) => (
          <Group key={f.label} gap={8} align="baseline">
            <Text size="sm" c="dimmed">
              {f.label}
            </Text>
            <Text className="figures" fw={650}>
              {f.value}
            </Text>
            <Text size="xs" c="dimmed">
              {f.hint}
            </Text>
          </Group>
        ))}
      </Group>
    </Card>
  );
}

/** Better is green, worse is red; what says nothing is quiet. */
const tone = (c: Change, goodUp: boolean) =>
  c.up === null ? "dimmed" : c.up === goodUp ? "var(--mantine-color-green-text)" : "var(--mantine-color-red-text)";
