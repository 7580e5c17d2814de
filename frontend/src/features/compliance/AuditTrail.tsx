import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Alert, Button, Card, Code, Group, List, Select, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { IconListCheck } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useClient, useQuery } from "urql";
import { Failed } from "../../components/Failed";
import { More } from "../../components/More";
import { Empty, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { AuditFilter, AuditProtectionQuery, AuditTrailQuery, VerificationQuery } from "../../gql/graphql";
import { actionText } from "../../lib/actions";
import { useAddress } from "../../lib/address";
import { errorText } from "../../lib/errors";
import { count, moment, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { usePages } from "../../lib/pages";
import { actionChoices, changeLines, type Thing, type Told, thingOf } from "../../lib/trail";
import { midnight, momentNamed } from "../../lib/zone";

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
        actor {
          ...AuditThing
        }
        action
        entity
        subject {
          ...AuditThing
        }
        changes
        references {
          field
          ...AuditThing
        }
        sentences {
          recorded
          text
        }
        createdAt
        seq
        hash
      }
    }
  }
  fragment AuditThing on AuditReference {
    entity
    number
    id
    name
    gone
  }
`);
const OperatorsDocument = graphql(`
  query AuditOperators {
    operators {
      id
      kind
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
      unkeyed
      head
      checkpoints
      brokenSeq
      reason
    }
  }
`);
const ProtectionDocument = graphql(`
  query AuditProtection {
    auditProtection {
      lastCheckpoint {
        entries
        createdAt
      }
      places {
        name
        deliveredAt
        failedAt
        error
      }
      waiting
      entriesSince
      problem
      publicKey
    }
  }
`);

/** The pages of the things that have one. */
const pagesOf = {
  campaign: "/campaigns/$id",
  contact: "/contacts/$id",
  conversation: "/inbox/$id",
  message: "/messages/$id",
  operator: "/settings/team",
  segment: "/segments/$id",
  sender: "/settings/senders",
  template: "/templates/$id",
  topic: "/topics",
} as const;
const choices = actionChoices();

type Row = AuditTrailQuery["auditEntries"]["nodes"][number];

/** A day that the address names, as a field shows it; "": it names none. */
const dayOf = (there: string | undefined) =>
  there && /^\d{4}-\d\d-\d\d$/.test(there) && momentNamed(`${there}T00:00`) ? there : "";
const dayBegins = (day: string) => momentNamed(`${day}T00:00`)?.toISOString();
/** The moment after a day, which the API excludes. */
const dayEnds = (day: string) => midnight(momentNamed(`${day}T12:00`) ?? 0, 1).toISOString();

/** Every change, chained by hash, and the button that walks the chain. */
export function AuditTrail() {
  const client = useClient();
  const { search, change } = useAddress();
  const action = search.q ?? null;
  const operatorId = search.id ?? null;
  const first = dayOf(search.from);
  const last = dayOf(search.to);
  const backwards = first !== "" && last !== "" && last < first;
  const filter: AuditFilter = {
    action,
    operatorId,
    from: first ? dayBegins(first) : null,
    to: last && !backwards ? dayEnds(last) : null,
  };
  const pages = usePages<Row>(JSON.stringify(filter));
  const [verdict, setVerdict] = useState<VerificationQuery["auditVerification"] | null>(null);
  const head = <Code style={{ overflowWrap: "anywhere" }}>{verdict?.head || t`empty`}</Code>;
  const [problem, setProblem] = useState("");
  const [walking, setWalking] = useState(false);
  const [{ data, error, fetching }, load] = useLasting({
    query: TrailDocument,
    variables: { filter, after: pages.after },
    requestPolicy: "cache-and-network",
  });
  const [{ data: known }] = useQuery({ query: OperatorsDocument });
  const people = known?.operators.filter((o) => o.kind === "PERSON") ?? [];
  const rows = pages.with(data?.auditEntries.nodes);
  const verify = async () => {
    setWalking(true);
    const result = await client.query(VerifyDocument, {}, { requestPolicy: "network-only" });
    setWalking(false);
    setProblem(result.error ? errorText(result.error) : "");
    setVerdict(result.data?.auditVerification ?? null);
  };
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <Group align="flex-end" style={{ flex: "1 1 auto" }}>
          <Select
            label={t`What was done`}
            placeholder={t`Everything that was done`}
            data={choices}
            value={action}
            onChange={(to) => change({ q: to ?? undefined })}
            searchable
            clearable
            maxDropdownHeight={400}
            nothingFoundMessage={t`No action with that name`}
            w={{ base: "100%", xs: 300 }}
          />
          <Select
            label={t`Who`}
            placeholder={t`Everybody`}
            data={people.map((o) => ({ value: o.id, label: o.name }))}
            value={operatorId}
            onChange={(to) => change({ id: to ?? undefined })}
            searchable
            clearable
            nothingFoundMessage={t`Nobody with that name`}
            w={{ base: "100%", xs: 200 }}
          />
          <DayField label={t`From`} day={first} onChange={(from) => change({ from }, { replace: true })} />
          <DayField
            label={t`To`}
            day={last}
            onChange={(to) => change({ to }, { replace: true })}
            error={backwards && t`Choose a day that is not before the first.`}
          />
        </Group>
        <Button variant="default" onClick={verify} loading={walking}>{t`Check for tampering`}</Button>
      </Group>
      {problem && <Alert color="red">{problem}</Alert>}
      {verdict && (
        <Alert
          color={verdict.valid ? "brand" : "red"}
          title={verdict.valid ? t`No tampering found` : t`The trail is not what it was`}
          role="status"
        >
          {verdict.valid ? (
            <Text size="sm">
              {[
                plural(verdict.entries, { one: "# entry was checked.", other: "# entries were checked." }),
                verdict.unsealed &&
                  plural(verdict.unsealed, {
                    one: "# entry waits for its seal.",
                    other: "# entries wait for their seal.",
                  }),
                plural(verdict.checkpoints, {
                  one: "# signed checkpoint agrees.",
                  other: "# signed checkpoints agree.",
                }),
                verdict.unkeyed &&
                  plural(verdict.unkeyed, {
                    one: "# entry is from before there were keys.",
                    other: "# entries are from before there were keys.",
                  }),
              ]
                .filter(Boolean)
                .join(" ")}{" "}
              <Trans>Its head is {head}.</Trans>
            </Text>
          ) : (
            <Text size="sm">
              {verdict.reason}{" "}
              {verdict.brokenSeq ? t`The first place that does not fit is ${count(verdict.brokenSeq)}.` : ""}
            </Text>
          )}
        </Alert>
      )}
      {error && rows.length === 0 ? (
        // Below the filters: what the address holds may be what is wrong, and is changed there.
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data && rows.length === 0 ? (
        <Rows />
      ) : rows.length === 0 ? (
        <Empty icon={<IconListCheck />} title={t`No entries`}>{t`Nothing of that kind was done.`}</Empty>
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t`What`}</Table.Th>
                <Table.Th>{t`Changes`}</Table.Th>
                <Table.Th>{t`Who`}</Table.Th>
                <Table.Th>{t`When`}</Table.Th>
                <Table.Th>{t`Hash`}</Table.Th>
                <Table.Th>{t`No.`}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody style={{ verticalAlign: "top" }}>
              {rows.map((e) => (
                <Table.Tr key={e.id}>
                  <Table.Td data-label={t`What`}>
                    <Done entry={e} />
                  </Table.Td>
                  <Table.Td data-label={t`Changes`}>
                    <Changes entry={e} />
                  </Table.Td>
                  <Table.Td data-label={t`Who`} style={{ whiteSpace: "nowrap" }}>
                    {e.actor ? <Named thing={thingOf(e.actor)} /> : words(e.actorKind)}
                  </Table.Td>
                  <Table.Td data-label={t`When`} style={{ whiteSpace: "nowrap" }}>
                    {moment(e.createdAt)}
                  </Table.Td>
                  <Table.Td data-label={t`Hash`}>
                    <Code title={e.hash ?? t`not sealed yet`}>{e.hash?.slice(0, 10) ?? "…"}</Code>
                  </Table.Td>
                  <Table.Td data-label={t`No.`}>{e.seq ? count(e.seq) : "…"}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Card>
      )}
      <More
        error={rows.length > 0 ? error : undefined}
        retry={() => load({ requestPolicy: "network-only" })}
        more={data?.auditEntries.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.auditEntries.pageInfo.endCursor, rows)}
      />
      <Protection />
    </Stack>
  );
}

/** A day of the address. It goes there once its year is whole: while 2026 is typed, the field holds the year 20, too. */
function DayField(props: {
  label: string;
  day: string;
  onChange: (day: string | undefined) => void;
  error?: string | false;
}) {
  const { day } = props;
  const [typed, setTyped] = useState(day);
  useEffect(() => setTyped(day), [day]);
  return (
    <TextInput
      type="date"
      label={props.label}
      value={typed}
      onChange={(e) => {
        const to = e.currentTarget.value;
        setTyped(to);
        if (to === "" || to >= "1000") props.onChange(to || undefined);
      }}
      error={props.error}
      w={{ base: "calc(50% - 8px)", xs: 150 }}
    />
  );
}

/** What a thing is called, with the way to its page. */
function Named({ thing }: { thing: Thing }) {
  const to = !thing.gone && thing.id && pagesOf[thing.entity as keyof typeof pagesOf];
  return to ? (
    <Link to={to} params={{ id: thing.id ?? "" }} className="plain" style={{ display: "inline", minWidth: 0 }}>
      <bdi>{thing.text}</bdi>
    </Link>
  ) : (
    <bdi>{thing.text}</bdi>
  );
}

/** What was done, and with what, unless that is whoever did it. */
function Done({ entry: e }: { entry: Row }) {
  const own = e.actor?.entity === e.subject?.entity && e.actor?.number === e.subject?.number;
  return (
    <>
      <Text size="sm">{actionText(e.action)}</Text>
      {e.subject && !own && (
        <Text size="sm" c={e.subject.gone ? "dimmed" : undefined} style={{ overflowWrap: "anywhere" }}>
          <Named thing={thingOf(e.subject)} />
        </Text>
      )}
    </>
  );
}

/** Text with its things as links. */
const Parts = ({ told }: { told: Told }) =>
  told.map((part, i) => (typeof part === "string" ? part : <Named key={i} thing={part} />));

/** What changed in words, and the entry as it is for whoever checks it. */
function Changes({ entry: e }: { entry: Row }) {
  const lines = changeLines(e.action, e.changes, e);
  return (
    <Stack gap={2} style={{ overflowWrap: "anywhere" }}>
      {lines.map(({ name: field, before, after }) => {
        const name = <bdi>{field}</bdi>;
        const was = before && <Parts told={before} />;
        const is = <Parts told={after} />;
        return (
          <Text key={field} size="sm">
            {was ? (
              <Trans>
                {name}: {was} → {is}
              </Trans>
            ) : (
              <Trans>
                {name}: {is}
              </Trans>
            )}
          </Text>
        );
      })}
      <details>
        <Text component="summary" size="xs" c="dimmed" style={{ cursor: "pointer" }}>{t`As recorded`}</Text>
        <Code block style={{ whiteSpace: "pre-wrap" }}>
          {`${e.action} · ${e.entity}\n${JSON.stringify(e.changes, null, 1)}`}
        </Code>
      </details>
    </Stack>
  );
}

/** Whether a place has the last checkpoint, in a sentence. */
function Place({ of: p }: { of: AuditProtectionQuery["auditProtection"]["places"][number] }) {
  const path = /^directory (.*)$/s.exec(p.name)?.[1];
  const code = <Code style={{ overflowWrap: "anywhere" }}>{path ?? p.name}</Code>;
  const name = path ? <Trans>Directory {code}</Trans> : code;
  const error = <bdi>{p.error}</bdi>;
  if (p.failedAt)
    return (
      <Trans>
        {name} did not take it {moment(p.failedAt)}: {error}. It is tried again.
      </Trans>
    );
  if (!p.deliveredAt) return <Trans>{name} gets it in a moment.</Trans>;
  return (
    <Trans>
      {name} has had it since {moment(p.deliveredAt)}.
    </Trans>
  );
}

/** Whether signed checkpoints are made, and where they went, in words. */
function Protection() {
  const [{ data, error, fetching }, load] = useLasting({
    query: ProtectionDocument,
    requestPolicy: "cache-and-network",
  });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return fetching ? <Rows /> : null;
  const p = data.auditProtection;
  const last = p.lastCheckpoint;
  const publicKey = <Code style={{ overflowWrap: "anywhere" }}>{p.publicKey}</Code>;
  const failing = p.places.filter((place) => place.failedAt);
  return (
    <Card component="section" aria-labelledby="checkpoints">
      <Stack gap="xs">
        <Title order={2} size="h4" id="checkpoints">{t`Signed checkpoints`}</Title>
        {p.problem && (
          <Alert
            color="red"
            title={t`No checkpoint can be signed`}
          >{t`${p.problem}. Check for tampering, and compare the trail with the checkpoints that you keep elsewhere.`}</Alert>
        )}
        <Text size="sm">
          {last
            ? plural(last.entries, {
                one: `The last one was signed ${moment(last.createdAt)} over # entry.`,
                other: `The last one was signed ${moment(last.createdAt)} over # entries.`,
              })
            : t`None was signed yet: the first one follows the first entry.`}{" "}
          {last && p.entriesSince > 0
            ? plural(p.entriesSince, {
                one: "# newer entry will be covered within the hour.",
                other: "# newer entries will be covered within the hour.",
              })
            : ""}
        </Text>
        {p.places.length === 0 ? (
          <Alert color="yellow">{t`Checkpoints go to the log only. Name a directory, a URL or a bucket that whoever has the database cannot change: AUDIT_CHECKPOINT_DIR, AUDIT_CHECKPOINT_URLS.`}</Alert>
        ) : (
          <List size="sm">
            {p.places.map((place) => (
              <List.Item key={place.name}>
                <Place of={place} />
              </List.Item>
            ))}
          </List>
        )}
        {failing.length > 0 && p.waiting > 0 && (
          <Text size="sm" c="red">
            {plural(p.waiting, {
              one: "# checkpoint waits to be delivered.",
              other: "# checkpoints wait to be delivered.",
            })}
          </Text>
        )}
        {p.publicKey && (
          <Text size="sm">
            <Trans>
              Note the public key somewhere else. With it anybody can check checkpoints and proofs: {publicKey}
            </Trans>
          </Text>
        )}
      </Stack>
    </Card>
  );
}
