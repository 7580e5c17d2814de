import { plural, t } from "@lingui/core/macro";
import { Progress, Text } from "@mantine/core";
import { count, percentOf } from "../../lib/format";
import { type Figure, funnelOf, lossesOf } from "./outcome";

/** How far the messages came: each milestone as a count, and as a share of those whom the campaign was sent to. */
export function Funnel(props: { counts: Parameters<typeof funnelOf>[0]; clicks: boolean }) {
  return (
    <>
      <ul className="funnel" aria-label={t`Funnel`}>
        {funnelOf(props.counts, props.clicks).map((f) => (
          <Row key={f.name} of={f} color="var(--funnel-way)" />
        ))}
        {lossesOf(props.counts).map((f) => (
          <Row key={f.name} of={f} color="var(--funnel-loss)" />
        ))}
      </ul>
      <Text size="xs" c="dimmed" mt="xs">
        {props.counts.tried > 0
          ? plural(props.counts.tried, {
              one: "Percentages are of the # contact it was sent to.",
              other: "Percentages are of the # contacts it was sent to.",
            })
          : t`It was sent to nobody yet.`}
      </Text>
    </>
  );
}

function Row({ of: f, color }: { of: Figure; color: string }) {
  return (
    <li>
      <Text size="sm">{f.label}</Text>
      <Text size="sm" fw={650} ta="right" data-testid={`count-${f.name}`}>
        {count(f.n)}
      </Text>
      <Text size="sm" c="dimmed" ta="right">
        {percentOf(f.share)}
      </Text>
      <Progress value={Math.min(100, f.share * 100)} size="lg" color={color} aria-hidden />
    </li>
  );
}
