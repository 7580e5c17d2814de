import { Alert, Button, Card, Code, Group, Stack, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconListCheck } from "@tabler/icons-react";
import { useState } from "react";
import { useClient, useQuery } from "urql";
import { Empty, Failed, LoadMore, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { AuditTrailQuery, VerificationQuery } from "../../gql/graphql";
import { errorText } from "../../lib/errors";
import { count, moment, words } from "../../lib/format";
import { usePages } from "../../lib/pages";

const TrailDocument = graphql(`
  query AuditTrail($filter: AuditFilter, $after: String) {
    auditEntries(filter: $filter, first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        actorKind
        actorId
        action
        entity
        entityId
        changes
        createdAt
        seq
        hash
      }
    }
    operators {
      id
      name
    }
  }
`);
const VerifyDocument = graphql(`
  query Verification {
    auditVerification {
      valid
      entries
      unsealed
      head
      brokenId
      reason
    }
  }
`);

type Row = AuditTrailQuery["auditEntries"]["nodes"][number];

/** Every change, chained by hash, and the button that walks the chain. */
export function AuditTrail() {
  const client = useClient();
  const [text, setText] = useState("");
  const [action] = useDebouncedValue(text.trim(), 300);
  const pages = usePages<Row>();
  const [verdict, setVerdict] = useState<VerificationQuery["auditVerification"] | null>(null);
  const [problem, setProblem] = useState("");
  const [walking, setWalking] = useState(false);
  const filter = action ? (action.includes(".") ? { action } : { entity: action }) : {};
  const [{ data, error, fetching }, load] = useQuery({
    query: TrailDocument,
    variables: { filter, after: pages.after },
    requestPolicy: "cache-and-network",
  });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  const rows = pages.with(data?.auditEntries.nodes);
  const who = (r: Row) => data?.operators.find((o) => o.id === r.actorId)?.name ?? words(r.actorKind);
  const verify = async () => {
    setWalking(true);
    const result = await client.query(VerifyDocument, {}, { requestPolicy: "network-only" });
    setWalking(false);
    setProblem(result.error ? errorText(result.error) : "");
    setVerdict(result.data?.auditVerification ?? null);
  };
  return (
    <Stack>
      <Group justify="space-between">
        <TextInput
          aria-label="Filter the trail"
          placeholder="campaign, or campaign.launch"
          value={text}
          onChange={(e) => {
            setText(e.currentTarget.value);
            pages.top();
          }}
          w={{ base: "100%", xs: 280 }}
        />
        <Button variant="default" onClick={verify} loading={walking}>
          Verify the chain
        </Button>
      </Group>
      {problem && <Alert color="red">{problem}</Alert>}
      {verdict && (
        <Alert
          color={verdict.valid ? "brand" : "red"}
          title={verdict.valid ? "The chain is whole" : "The chain is broken"}
          role="status"
        >
          {verdict.valid ? (
            <Text size="sm">
              {count(verdict.entries)} entries walked
              {verdict.unsealed ? `, ${count(verdict.unsealed)} wait for their seal` : ""}. Its head is{" "}
              <Code style={{ overflowWrap: "anywhere" }}>{verdict.head || "empty"}</Code>: note it somewhere else, and
              nobody can shorten the trail unseen.
            </Text>
          ) : (
            <Text size="sm">{verdict.reason}</Text>
          )}
        </Alert>
      )}
      {!data && rows.length === 0 ? (
        <Rows />
      ) : rows.length === 0 ? (
        <Empty icon={<IconListCheck />} title="No entries">
          Nothing of that kind was done. Filter by a kind of thing, such as contact, or by an action, such as
          campaign.launch.
        </Empty>
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>#</Table.Th>
                <Table.Th>When</Table.Th>
                <Table.Th>Who</Table.Th>
                <Table.Th>What</Table.Th>
                <Table.Th>Changes</Table.Th>
                <Table.Th>Hash</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((e) => (
                <Table.Tr key={e.id}>
                  <Table.Td data-label="#">{e.seq ?? "…"}</Table.Td>
                  <Table.Td data-label="When">{moment(e.createdAt)}</Table.Td>
                  <Table.Td data-label="Who">{who(e)}</Table.Td>
                  <Table.Td data-label="What">{e.action}</Table.Td>
                  <Table.Td data-label="Changes">
                    <Text size="xs" ff="monospace" lineClamp={2} style={{ overflowWrap: "anywhere" }}>
                      {JSON.stringify(e.changes)}
                    </Text>
                  </Table.Td>
                  <Table.Td data-label="Hash">
                    <Code title={e.hash ?? "not sealed yet"}>{e.hash?.slice(0, 10) ?? "…"}</Code>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Card>
      )}
      <LoadMore
        more={data?.auditEntries.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.auditEntries.pageInfo.endCursor, rows)}
      />
    </Stack>
  );
}
