import { t } from "@lingui/core/macro";
import { Alert, Button, Card, Group, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBan, IconDownload, IconSearch, IconUpload } from "@tabler/icons-react";
import { useState } from "react";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { More } from "../../components/More";
import { Empty, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { SuppressionReason, SuppressionsQuery } from "../../gql/graphql";
import { chosen, useAddress, useAddressText } from "../../lib/address";
import { byField, errorText } from "../../lib/errors";
import { moment, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { usePages } from "../../lib/pages";
import { ImportSuppressions } from "./ImportSuppressions";
import { byHand, names, useLift } from "./lift";

const SuppressionsDocument = graphql(`
  query Suppressions($filter: SuppressionFilter, $after: String) {
    suppressions(filter: $filter, first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        reason
        until
        createdAt
        others {
          id
          reason
          until
        }
      }
    }
  }
`);
const AddDocument = graphql(`
  mutation SuppressionAdd($input: SuppressionAddInput!) {
    suppressionAdd(input: $input) {
      suppression {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);
type Row = SuppressionsQuery["suppressions"]["nodes"][number];

const reasons: SuppressionReason[] = ["OPTED_OUT", "ERASED", ...byHand];

/** Addresses that must not be written to, a row for each reason. */
export function Suppressions() {
  const may = useMay("MARKETER");
  const { search, change } = useAddress();
  const reason = chosen(reasons, search.status);
  const [text, setText] = useAddressText("q", 350);
  const address = search.q ?? "";
  const pages = usePages<Row>(`${reason} ${address}`);
  const [adding, add] = useDisclosure();
  const [taking, take] = useDisclosure();
  const [number, setNumber] = useState("");
  const [why, setWhy] = useState<SuppressionReason>("OPERATOR");
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [{ data, error, fetching }, load] = useLasting({
    query: SuppressionsDocument,
    variables: { filter: { reason, ...(address ? { address } : {}) }, after: pages.after },
    requestPolicy: "cache-and-network",
  });
  const [, suppress] = useMutation(AddDocument);
  const lift = useLift(pages.top);
  const rows = pages.with(data?.suppressions.nodes);
  const put = async () => {
    const result = await suppress({ input: { address: number, reason: why } });
    if (result.error) return setWrong({ address: errorText(result.error) });
    const split = byField(result.data?.suppressionAdd.userErrors ?? [], ["address"]);
    if (split.fields.address || split.rest) return setWrong({ address: split.fields.address ?? split.rest });
    setWrong({});
    setNumber("");
    add.close();
    pages.top();
  };
  return (
    <Stack>
      <Group>
        <TextInput
          aria-label={t`Is this number suppressed?`}
          placeholder={t`Is this number suppressed?`}
          leftSection={<IconSearch size={16} />}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          w={{ base: "100%", xs: 280 }}
        />
        <Select
          aria-label={t`Reason`}
          placeholder={t`Any reason`}
          clearable
          data={reasons.map((r) => ({ value: r, label: words(r) }))}
          value={reason}
          onChange={(v) => change({ status: v ?? undefined })}
        />
        {may && (
          <>
            <Button onClick={add.open}>{t`Suppress a number`}</Button>
            <Button variant="default" leftSection={<IconUpload size={16} />} onClick={take.open}>{t`Import`}</Button>
            <Button
              component="a"
              href="/downloads/suppressions.csv"
              download
              variant="default"
              leftSection={<IconDownload size={16} />}
            >{t`Export`}</Button>
          </>
        )}
      </Group>
      <Dialog opened={taking} onClose={take.close} title={t`Import a suppression list`} size="lg">
        <ImportSuppressions onImported={pages.top} onClose={take.close} />
      </Dialog>
      <Dialog opened={adding} onClose={add.close} title={t`Suppress a number`}>
        <Stack>
          <TextInput
            label={t`Number`}
            description={t`With country code; nothing goes there until you lift it`}
            value={number}
            onChange={(e) => setNumber(e.currentTarget.value)}
            error={wrong.address}
            data-autofocus
          />
          <Select
            label={t`Reason`}
            data={byHand.map((r) => ({ value: r, label: words(r) }))}
            value={why}
            onChange={(v) => v && setWhy(v as SuppressionReason)}
            allowDeselect={false}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={add.close}>{t`Cancel`}</Button>
            <Button onClick={put}>{t`Suppress`}</Button>
          </Group>
        </Stack>
      </Dialog>
      {error && rows.length === 0 ? (
        address ? (
          <Alert color="yellow">{errorText(error)}</Alert>
        ) : (
          <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
        )
      ) : !data && rows.length === 0 ? (
        <Rows />
      ) : rows.length === 0 ? (
        <Empty icon={<IconBan />} title={address ? t`Not suppressed` : t`No suppressions`}>
          {address
            ? t`This number may be contacted, as far as consent and hours allow.`
            : t`Who opts out, is erased or complains stands here, as a keyed hash: the list cannot be read back into numbers.`}
        </Empty>
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t`Reason`}</Table.Th>
                <Table.Th>{t`Also`}</Table.Th>
                <Table.Th>{t`Since`}</Table.Th>
                <Table.Th>{t`Until`}</Table.Th>
                <Table.Th />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((s) => (
                <Table.Tr key={s.id}>
                  <Table.Td data-label={t`Reason`}>
                    <Text size="sm">{words(s.reason)}</Text>
                  </Table.Td>
                  <Table.Td data-label={t`Also`}>
                    <Text size="sm" c="dimmed">
                      {s.others.length > 0 ? names(s.others) : "–"}
                    </Text>
                  </Table.Td>
                  <Table.Td data-label={t`Since`}>{moment(s.createdAt)}</Table.Td>
                  <Table.Td data-label={t`Until`}>{s.until ? moment(s.until) : t`Permanent`}</Table.Td>
                  <Table.Td>
                    {may && byHand.includes(s.reason) && (
                      <Button size="compact-xs" variant="default" onClick={() => lift(s)}>{t`Lift`}</Button>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Card>
      )}
      <More
        error={rows.length > 0 ? error : undefined}
        retry={() => load({ requestPolicy: "network-only" })}
        more={data?.suppressions.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.suppressions.pageInfo.endCursor, rows)}
      />
    </Stack>
  );
}
