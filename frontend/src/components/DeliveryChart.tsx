import { Group, ScrollArea, SegmentedControl, Skeleton, Table, Title } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { count, moment } from "../lib/format";

export type DeliveryPoint = { at: string; accepted: number; delivered: number; read: number; failed: number };

/** What is drawn. Accepted is dashed, so that it stays visible where all of it was delivered at once. */
export const milestones = [
  { name: "accepted", label: "Accepted", color: "blue.6", dashes: "6 4" },
  { name: "delivered", label: "Delivered", color: "brand.6", dashes: undefined },
  { name: "read", label: "Read", color: "grape.6", dashes: undefined },
  { name: "failed", label: "Failed", color: "red.6", dashes: "2 3" },
] as const;

const DeliveryLines = lazy(() => import("./DeliveryLines"));

/** How many messages reached each milestone over time, as lines or as the table behind them. */
export function DeliveryChart(props: { title: string; points: DeliveryPoint[]; height: number }) {
  const [view, setView] = useState("Chart");
  return (
    <>
      <Group justify="space-between" mb="md">
        <Title order={2} size="h4">
          {props.title}
        </Title>
        <SegmentedControl
          size="xs"
          aria-label={`${props.title} as`}
          data={["Chart", "Table"]}
          value={view}
          onChange={setView}
        />
      </Group>
      {view === "Chart" ? (
        <Suspense fallback={<Skeleton h={props.height} aria-label="Loading the chart" />}>
          <DeliveryLines points={props.points} height={props.height} />
        </Suspense>
      ) : (
        <ScrollArea h={props.height} viewportProps={{ tabIndex: 0 }}>
          <Table stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Time</Table.Th>
                {milestones.map((m) => (
                  <Table.Th key={m.name} ta="right">
                    {m.label}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {props.points.toReversed().map((p) => (
                <Table.Tr key={p.at}>
                  <Table.Td>{moment(p.at)}</Table.Td>
                  {milestones.map((m) => (
                    <Table.Td key={m.name} ta="right">
                      {count(p[m.name])}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea>
      )}
    </>
  );
}
