import "@mantine/charts/styles.css";

import { LineChart } from "@mantine/charts";
import { ticks, tickText } from "../lib/axis";
import { count, moment } from "../lib/format";
import { type DeliveryPoint, milestones } from "./DeliveryChart";

/** The lines alone: the library that draws them is larger than a page, and comes after it. */
export default function DeliveryLines({ points, height }: { points: DeliveryPoint[]; height: number }) {
  const data = points.map((p) => ({ ...p, at: new Date(p.at).getTime() }));
  const from = data[0]?.at ?? 0;
  const to = data.at(-1)?.at ?? 0;
  return (
    <LineChart
      h={height}
      data={data}
      dataKey="at"
      curveType="linear"
      withDots={data.length < 12}
      withLegend
      strokeWidth={2}
      valueFormatter={count}
      xAxisProps={{
        type: "number",
        scale: "time",
        domain: [from, to],
        ticks: ticks(from, to),
        tickFormatter: (at: number) => tickText(at),
        interval: "preserveStart",
      }}
      yAxisProps={{ allowDecimals: false, tickFormatter: count, width: 56 }}
      tooltipProps={{ labelFormatter: (at) => (typeof at === "number" ? moment(new Date(at).toISOString()) : at) }}
      // The last is drawn on top: the dashes of what was accepted, over the line of what was delivered.
      series={milestones
        .map((m) => ({ name: m.name, label: m.label, color: m.color, strokeDasharray: m.dashes }))
        .reverse()}
    />
  );
}
