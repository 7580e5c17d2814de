import { Progress, Table, Text } from "@mantine/core";
import { count, percent } from "../../lib/format";
import { type Figure, funnelOf, lossesOf } from "./outcome";

/** How far the messages came: each milestone as a count, and as a share of those whom the campaign was sent to. */
export function Funnel(props: { counts: Parameters<typeof funnelOf>[0] }) {
  return (
    <>
      <Table withRowBorders={false} verticalSpacing={6} highlightOnHover={false} aria-label="Funnel">
        <Table.Tbody>
          {funnelOf(props.counts).map((f) => (
            <Row key={f.name} of={f} color="brand" />
          ))}
          {lossesOf(props.counts).map((f) => (
            <Row key={f.name} of={f} color="red" />
          ))}
        </Table.Tbody>
      </Table>
      <Text size="xs" c="dimmed" mt="xs">
        {props.counts.tried > 0
          ? `Shares are of the ${count(props.counts.tried)} contacts it was sent to.`
          : "It was sent to nobody yet."}
      </Text>
    </>
  );
}

function Row({ of: f, color }: { of: Figure; color: string }) {
  return (
    <Table.Tr>
      <Table.Th fw={500} scope="row" w={1} style={{ whiteSpace: "nowrap" }}>
        {f.label}
      </Table.Th>
      <Table.Td ta="right" w={1} fw={650} data-testid={`count-${f.name}`}>
        {count(f.n)}
      </Table.Td>
      <Table.Td ta="right" w={1} c="dimmed">
        {percent(f.share)}
      </Table.Td>
      <Table.Td>
        <Progress value={Math.min(100, f.share * 100)} size="lg" color={color} aria-hidden />
      </Table.Td>
    </Table.Tr>
  );
}
