import { plural, t } from "@lingui/core/macro";
import { Alert, Button, Card, Group, Stack, Switch, Table, Text } from "@mantine/core";
import { useState } from "react";
import { useClient, useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { NumberField } from "../../components/NumberField";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { RetentionKind, RetentionPreviewQuery, RetentionRulesQuery } from "../../gql/graphql";
import { errorText, settled } from "../../lib/errors";
import { count, moment } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { formWidth, SettingsTab } from "./SettingsTab";

const RulesDocument = graphql(`
  query RetentionRules {
    retentionRules {
      kind
      days
      minimumDays
      removed
      finishedAt
    }
  }
`);

const PreviewDocument = graphql(`
  query RetentionPreview($rules: [RetentionRuleInput!]!) {
    retentionPreview(rules: $rules) {
      kind
      days
      count
      atLeast
    }
  }
`);

const SetDocument = graphql(`
  mutation RetentionSet($input: RetentionSetInput!) {
    retentionSet(input: $input) {
      userErrors {
        field
        message
      }
    }
  }
`);

const texts: Record<RetentionKind, { name: string; about: string; suggested: number }> = {
  MESSAGE_TEXTS: {
    name: t`Message texts and media`,
    about: t`What was written and sent. The messages stay, with their times: limits, segments and reports go on as before.`,
    suggested: 365,
  },
  WEBHOOK_BODIES: {
    name: t`Raw webhooks`,
    about: t`What Twilio sent, word for word. It cannot be replayed afterwards.`,
    suggested: 30,
  },
  DELIVERY_EVENTS: {
    name: t`Delivery events`,
    about: t`Each report about a message. When it was sent, delivered and read stays with the message.`,
    suggested: 180,
  },
  CLICKS: {
    name: t`Clicks`,
    about: t`Each time somebody opened a link but the first, by which people are counted. The numbers of the campaign stay.`,
    suggested: 180,
  },
  REJECTED_ROWS: {
    name: t`Rejected rows of imports`,
    about: t`Rows that could not be read, to be corrected and imported again. Counted from the end of the import.`,
    suggested: 30,
  },
};

type Draft = Partial<Record<RetentionKind, number | "">>;
type Preview = RetentionPreviewQuery["retentionPreview"];

/** How long each kind of data is kept, and what would be deleted before anything is. */
export function RetentionPage() {
  const [{ data, error }, load] = useQuery({ query: RulesDocument });
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={4} />;
  return (
    <SettingsTab
      title={t`Data retention`}
      description={t`How long each kind of data is kept; what is older goes within a day`}
    >
      <RulesForm key={JSON.stringify(data.retentionRules.map((r) => r.days))} rules={data.retentionRules} />
    </SettingsTab>
  );
}

function RulesForm(props: { rules: RetentionRulesQuery["retentionRules"] }) {
  const may = useMay("ADMIN");
  const client = useClient();
  const [draft, setDraft] = useState<Draft>(() => {
    const first: Draft = {};
    for (const r of props.rules) if (r.days != null) first[r.kind] = r.days;
    return first;
  });
  const [preview, setPreview] = useState<Preview | null>(null);
  const [counting, setCounting] = useState(false);
  const [failure, setFailure] = useState("");
  const [{ fetching }, set] = useMutation(SetDocument);
  const rules = props.rules.flatMap((r) => {
    const days = draft[r.kind];
    return typeof days === "number" ? [{ kind: r.kind, days }] : [];
  });
  const incomplete = Object.values(draft).includes("");
  const changed = props.rules.some((r) => (draft[r.kind] ?? null) !== (r.days ?? null));
  const review = async () => {
    setFailure("");
    setCounting(true);
    const result = await client.query(PreviewDocument, { rules }, { requestPolicy: "network-only" }).toPromise();
    setCounting(false);
    if (result.error) return setFailure(errorText(result.error));
    setPreview(result.data?.retentionPreview ?? []);
  };
  return (
    <Stack maw={formWidth}>
      <Alert color="blue">{t`The consent ledger and the audit trail are kept permanently: they are the proof. Files of imports are kept for a day at most, exports are not stored at all, and what sign-in remembers ends by itself.`}</Alert>
      {props.rules.map((r) => {
        const said = texts[r.kind];
        const days = draft[r.kind];
        return (
          <Card key={r.kind}>
            <Group justify="space-between" align="flex-start">
              <Stack gap={4} flex={1} miw={240}>
                <Switch
                  label={said.name}
                  description={said.about}
                  checked={days !== undefined}
                  onChange={(e) =>
                    setDraft({ ...draft, [r.kind]: e.currentTarget.checked ? said.suggested : undefined })
                  }
                  disabled={!may}
                />
                {r.finishedAt && (
                  <Text
                    size="xs"
                    c="dimmed"
                  >{t`${count(r.removed)} deleted so far; last pass finished ${moment(r.finishedAt)}`}</Text>
                )}
              </Stack>
              {days === undefined ? (
                <Text size="sm" c="dimmed" pt={4}>{t`Kept permanently`}</Text>
              ) : (
                <NumberField
                  aria-label={t`${said.name}: days`}
                  suffix={` ${t({ message: `${plural(Number(days), { one: "day", other: "days" })}`, context: "kept for" })}`}
                  allowDecimal={false}
                  allowNegative={false}
                  min={r.minimumDays}
                  max={3650}
                  w={140}
                  value={days}
                  onChange={(v) => setDraft({ ...draft, [r.kind]: v === "" ? "" : Number(v) })}
                  disabled={!may}
                />
              )}
            </Group>
          </Card>
        );
      })}
      {failure && <Alert color="red">{failure}</Alert>}
      {may && (
        <Group justify="flex-end">
          <Button
            onClick={review}
            loading={counting}
            disabled={!changed || incomplete}
          >{t`Review what would be deleted`}</Button>
        </Group>
      )}
      <Dialog opened={preview !== null} onClose={() => setPreview(null)} title={t`What would be deleted`} size="lg">
        <Stack>
          {preview?.length === 0 ? (
            <Text size="sm">{t`Nothing: everything is kept permanently.`}</Text>
          ) : (
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t`Data`}</Table.Th>
                  <Table.Th>{t`Older than`}</Table.Th>
                  <Table.Th ta="right">{t`Deleted now`}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {preview?.map((p) => (
                  <Table.Tr key={p.kind}>
                    <Table.Td>{texts[p.kind].name}</Table.Td>
                    <Table.Td>{plural(p.days, { one: "# day", other: "# days" })}</Table.Td>
                    <Table.Td ta="right">
                      {p.atLeast
                        ? p.count > 0
                          ? t`more than ${count(p.count)}`
                          : t`too many to count`
                        : count(p.count)}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
          <Text
            size="sm"
            c="dimmed"
          >{t`From then on, what becomes older goes every day. What is gone cannot be brought back.`}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setPreview(null)}>{t`Cancel`}</Button>
            <Button
              color={preview?.some((p) => p.count > 0 || p.atLeast) ? "red" : undefined}
              loading={fetching}
              onClick={async () => {
                if (settled(await set({ input: { rules } }))) {
                  setPreview(null);
                  notifications.show({ message: t`In force from now on`, color: "green" });
                }
              }}
            >{t`Save`}</Button>
          </Group>
        </Stack>
      </Dialog>
    </Stack>
  );
}
