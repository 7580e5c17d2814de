import { t } from "@lingui/core/macro";
import { Box, Group, SegmentedControl, SimpleGrid, Table, Text, Title } from "@mantine/core";
import { type PointerEvent, type ReactNode, useState } from "react";
import { ticks, tickText } from "../lib/axis";
import {
  type Bar,
  barsOf,
  chartable,
  lengthText,
  type Milestone,
  type Step,
  spanOf,
  stepAt,
  stepLength,
  totalOf,
} from "../lib/bars";
import { count, duration, moment } from "../lib/format";
import classes from "./DeliveryChart.module.css";

const milestones: { name: Milestone; label: string; color: string }[] = [
  { name: "accepted", label: t`Handed to WhatsApp`, color: "var(--mantine-color-blue-6)" },
  { name: "delivered", label: t`Delivered`, color: "var(--mantine-color-brand-6)" },
  { name: "read", label: t`Read`, color: "var(--mantine-color-grape-6)" },
  { name: "clicked", label: t`Clicked`, color: "var(--mantine-color-teal-6)" },
  { name: "failed", label: t`Failed`, color: "var(--mantine-color-red-6)" },
];

/** Clicks are shown where there are any: most templates have nothing to tap. */
const shownOf = (steps: Step[]) => milestones.filter((m) => m.name !== "clicked" || totalOf(steps, m.name) > 0);

/**
 * How many messages reached each milestone over time: one small chart for each, one above the other in time, so that
 * none hides another, or the table behind them.
 */
export function DeliveryChart(props: { title: string; steps: Step[]; controls?: ReactNode }) {
  const [view, setView] = useState("chart");
  const { steps } = props;
  const drawn = chartable(steps) && milestones.some((m) => totalOf(steps, m.name) > 0);
  return (
    <>
      <Group justify="space-between" mb="xs" gap="xs">
        <Title order={2} size="h4">
          {props.title}
        </Title>
        <Group gap="xs" className="no-print">
          {props.controls}
          {drawn && (
            <SegmentedControl
              size="xs"
              aria-label={t`Show “${props.title}” as a chart or a table`}
              data={[
                { value: "chart", label: t`Chart` },
                { value: "table", label: t`Table` },
              ]}
              value={view}
              onChange={setView}
            />
          )}
        </Group>
      </Group>
      {milestones.every((m) => totalOf(steps, m.name) === 0) ? (
        <Text c="dimmed" size="sm">{t`Nothing was sent or delivered in this time.`}</Text>
      ) : !drawn ? (
        <Summary steps={steps} />
      ) : view === "chart" ? (
        <Bars steps={steps} />
      ) : (
        <Steps steps={steps} />
      )}
    </>
  );
}

/** Instead of a chart, where nearly everything happened at once. */
function Summary({ steps }: { steps: Step[] }) {
  const { from, to } = spanOf(steps);
  return (
    <>
      <Text size="sm" c="dimmed" mb="sm">
        {t`All of it within ${duration(Math.max(1, (to - from) / 1000))}, from ${moment(steps[0]?.at)} on: too short for a chart.`}
      </Text>
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        {shownOf(steps).map((m) => (
          <Figure key={m.name} label={m.label} color={m.color} n={totalOf(steps, m.name)} />
        ))}
      </SimpleGrid>
    </>
  );
}

function Figure(props: { label: string; color: string; n: number }) {
  return (
    <Group gap={6} wrap="nowrap" align="baseline">
      <Box w={8} h={8} bg={props.color} className={classes.mark} />
      <Text size="sm">{props.label}</Text>
      <Text size="sm" fw={650}>
        {count(props.n)}
      </Text>
    </Group>
  );
}

function Bars({ steps }: { steps: Step[] }) {
  const [at, setAt] = useState(-1); // the step under the pointer, in all of the charts
  const { from, to } = spanOf(steps);
  const step = steps[at];
  const point = (e: PointerEvent<HTMLElement>) => {
    const box = e.currentTarget.getBoundingClientRect();
    setAt(stepAt(steps, from + ((e.clientX - box.left) / box.width) * (to - from)));
  };
  return (
    <>
      <Text size="xs" c="dimmed" mb="sm">
        {step
          ? `${moment(step.at)}, ${lengthText(step.seconds)}`
          : t`${moment(steps[0]?.at)} to ${moment(new Date(to).toISOString())}, in steps of ${lengthText(stepLength(steps))}`}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl" verticalSpacing="lg">
        {shownOf(steps).map((m) => (
          <div key={m.name}>
            <Figure {...m} n={step ? step[m.name] : totalOf(steps, m.name)} />
            <Panel
              bars={barsOf(steps, m.name)}
              color={m.color}
              label={m.label}
              from={from}
              to={to}
              lit={at}
              onPoint={point}
              onLeave={() => setAt(-1)}
            />
          </div>
        ))}
      </SimpleGrid>
    </>
  );
}

const width = 1000;
const height = 100;

function Panel(props: {
  bars: Bar[];
  color: string;
  label: string;
  from: number;
  to: number;
  lit: number;
  onPoint: (e: PointerEvent<HTMLElement>) => void;
  onLeave: () => void;
}) {
  const top = Math.max(1, ...props.bars.map((b) => b.n));
  const x = (at: number) => ((at - props.from) / (props.to - props.from)) * width;
  const marks = ticks(props.from, props.to, 5);
  return (
    <div className={classes.panel}>
      <Text size="xs" c="dimmed" className={classes.top}>
        {props.bars.some((b) => b.n > 0) ? count(top) : "\u00a0"}
      </Text>
      <div
        className={classes.plot}
        onPointerMove={props.onPoint}
        onPointerDown={props.onPoint}
        onPointerLeave={props.onLeave}
      >
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={t`${props.label} over time`}
        >
          {props.bars.map((b, i) => {
            const left = x(b.at);
            const wide = x(b.end) - left;
            const tall = b.n === 0 ? 0 : Math.max(1.5, (b.n / top) * height);
            return (
              <g key={b.at}>
                {i === props.lit && <rect x={left} width={wide} y={0} height={height} className={classes.lit} />}
                <rect x={left + wide * 0.1} width={wide * 0.8} y={height - tall} height={tall} fill={props.color} />
              </g>
            );
          })}
        </svg>
        {marks.map((t) => (
          <span key={t} className={classes.grid} style={{ left: `${x(t) / 10}%` }} />
        ))}
      </div>
      <div className={classes.axis} aria-hidden>
        {marks.map((t) => (
          <span key={t} className={classes.tick} style={{ left: `clamp(3em, ${x(t) / 10}%, 100% - 3em)` }}>
            {tickText(t)}
          </span>
        ))}
      </div>
    </div>
  );
}

function Steps({ steps }: { steps: Step[] }) {
  return (
    <Box mah={320} tabIndex={0} style={{ overflow: "auto" }}>
      <Table stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t`From`}</Table.Th>
            {shownOf(steps).map((m) => (
              <Table.Th key={m.name} ta="right">
                {m.label}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {steps.map((s) => (
            <Table.Tr key={s.at}>
              <Table.Td>{moment(s.at)}</Table.Td>
              {shownOf(steps).map((m) => (
                <Table.Td key={m.name} ta="right">
                  {count(s[m.name])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  );
}
