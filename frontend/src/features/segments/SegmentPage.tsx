import { plural, t } from "@lingui/core/macro";
import {
  Alert,
  Badge,
  Button,
  Card,
  JsonInput,
  Group as Row,
  SimpleGrid,
  Stack,
  Table,
  Tabs,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { nameOf } from "../../components/Person";
import { LinkButton, Live, Missing, Page, Rows, Stat, Status, Unsaved } from "../../components/ui";
import { graphql } from "../../gql";
import type { SegmentCreateMutation, SegmentPreviewQuery } from "../../gql/graphql";
import { useAddress, useGoAfter } from "../../lib/address";
import { byField, errorText, payloadOf, settled } from "../../lib/errors";
import { allOf, capital, count, percent } from "../../lib/format";
import { useDraft } from "../../lib/kept";
import { modals } from "../../lib/modals";
import { real } from "../../lib/node";
import { notifications } from "../../lib/notifications";
import { useAttributes } from "../attributes/useAttributes";
import { SegmentCreateDocument } from "./create";
import { QueryBuilder } from "./QueryBuilder";
import { bare, type Group, isGroup, type Key, leaves, type Node, sentence } from "./query";
import { SegmentDeleteDocument } from "./SegmentsPage";

const SegmentDocument = graphql(`
  query Segment($id: ID!) {
    node(id: $id) {
      ... on Segment {
        id
        revision
        name
        description
        query
        usedBy
      }
    }
  }
`);

const SegmentPreviewDocument = graphql(`
  query SegmentPreview($query: SegmentQuery!) {
    segmentPreview(query: $query, sample: 8) {
      count
      reachable
      byConsent {
        status
        count
      }
      sample {
        id
        name
        displayAddress
        consentStatus
      }
      reasons {
        conditions {
          path
          matches
          value
        }
      }
    }
  }
`);

const SegmentUpdateDocument = graphql(`
  mutation SegmentUpdate($input: SegmentUpdateInput!) {
    segmentUpdate(input: $input) {
      segment {
        id
        revision
        name
        description
        query
        lastCount
        countedAt
      }
      userErrors {
        field
        message
      }
    }
  }
`);

export function SegmentPage() {
  const { id } = useParams({ from: "/segments/$id" });
  const [{ data, error, fetching }, load] = useQuery({
    query: SegmentDocument,
    variables: { id },
    pause: id === "new",
    requestPolicy: "network-only", // the form begins with it, and a save writes all of it
  });
  if (id === "new") return <Editor key="new" name="" description="" query={{ all: [] }} />;
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  const s = real(data?.node, "Segment");
  if (fetching && s?.id !== id) return <Rows />;
  if (!s) return <Missing title={t`Segment not found`}>{t`It may have been deleted.`}</Missing>;
  return (
    <Editor
      key={id}
      id={id}
      name={s.name}
      description={s.description}
      query={s.query as Node}
      revision={s.revision}
      usedBy={s.usedBy as readonly string[]}
    />
  );
}

/** A segment that is made where one is needed. */
export const NewSegment = (props: { onSaved: (id: string) => void }) => (
  <Editor name="" description="" query={{ all: [] }} onSaved={props.onSaved} />
);

/** What a contact has there, which comes as JSON: "newsletter, vip". */
function heldText(value: string): string {
  try {
    const held: unknown = JSON.parse(value);
    return Array.isArray(held) ? held.join(", ") : bare(held);
  } catch {
    return value;
  }
}

/** Whoever meets such a condition has the value that stands in it. */
const isEquality = (node: Node | undefined) => node !== undefined && "op" in node && node.op === "eq";

/** The share that can be written to, and who agreed but cannot be reached: the figures beside it add up with them. */
function reachableHint(p: SegmentPreviewQuery["segmentPreview"]) {
  if (p.count === 0) return undefined;
  const optedIn = p.byConsent.find((b) => b.status === "OPTED_IN")?.count ?? 0;
  const rest = optedIn - p.reachable;
  const share = percent(p.reachable / p.count);
  return rest > 0 ? t`${share} · ${count(rest)} more opted in, not reachable` : share;
}

/** The first of what uses a segment, and how many more there are. */
function usersText(users: readonly string[]) {
  const more = users.length - 2;
  return allOf(more > 0 ? [...users.slice(0, 2), plural(more, { one: "# more", other: "# more" })] : users);
}

/** Which conditions a contact of the sample meets, with what it has there. */
function Why(props: {
  keys: readonly Key[];
  places: { path: string; node: Node }[];
  reasons: readonly { path: string; matches: boolean; value?: string | null }[];
}) {
  return (
    <Row gap={4}>
      {props.reasons.slice(0, 8).map((r) => {
        const node = props.places.find((l) => l.path === r.path)?.node;
        return (
          <Badge
            key={r.path}
            variant={r.matches ? "light" : "outline"}
            color={r.matches ? "brand" : "gray"}
            tt="none"
            fw={500}
            title={`${r.matches ? t`Meets` : t`Does not meet`}: ${node ? sentence(node, props.keys) : r.path}`}
          >
            {r.matches ? "✓" : "✗"} {node ? sentence(node, props.keys) : r.path}
            {r.value != null && !(r.matches && isEquality(node)) && ` (${heldText(r.value)})`}
          </Badge>
        );
      })}
    </Row>
  );
}

function Editor(props: {
  id?: string;
  name: string;
  description: string;
  query: Node;
  revision?: number;
  /** What needs it; only what nobody needs can be deleted. */
  usedBy?: readonly string[];
  /** In a drawer: what comes then is for whoever opened it. */
  onSaved?: (id: string) => void;
}) {
  const inDrawer = Boolean(props.onSaved);
  const may = useMay("MARKETER");
  const goAfter = useGoAfter();
  const { draft, change, dirty, forget, discard } = useDraft(`segment:${props.id ?? "new"}`, {
    name: props.name,
    description: props.description,
    query: props.query,
    revision: props.revision, // the one that the draft began with, also when it was kept since
  });
  const { name, description, query } = draft;
  const setQuery = (next: Node) => change({ query: next });
  const { search, change: go } = useAddress();
  const [shown, setShown] = useState<string | null>(null);
  const view = (inDrawer ? shown : search.view) === "json" ? "json" : "builder";
  const show = (to: string | null) =>
    inDrawer ? setShown(to) : go({ view: to === "json" ? to : undefined }, { replace: true, resetScroll: false });
  const [json, setJson] = useState(() => JSON.stringify(props.query, null, 2));
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState("");
  const keys = useAttributes();
  const [settledQuery] = useDebouncedValue(query, 300);
  const [{ data, error, fetching }] = useQuery({ query: SegmentPreviewDocument, variables: { query: settledQuery } });
  const [creating, create] = useMutation(SegmentCreateDocument);
  const [updating, update] = useMutation(SegmentUpdateDocument);
  const [, remove] = useMutation(SegmentDeleteDocument);
  const group: Group = useMemo(() => (isGroup(query) ? query : { all: [query] }), [query]);
  const text = useMemo(() => JSON.stringify(query, null, 2), [query]);
  useEffect(() => setJson(text), [text]);
  const save = async () => {
    setErrors({});
    setProblem("");
    const go = goAfter();
    const result = props.id
      ? await update({ input: { id: props.id, name, description, query, expectedVersion: draft.revision } })
      : await create({ input: { name, description, query } });
    if (result.error) return setProblem(errorText(result.error));
    const payload = payloadOf(result.data);
    if (payload?.userErrors.length) {
      const split = byField(payload.userErrors, ["name", "description"]);
      setErrors(split.fields);
      return setProblem(split.rest);
    }
    notifications.show({ message: t`Segment “${name}” saved`, color: "green" });
    if (!props.onSaved) {
      forget();
      return go({ to: "/segments" });
    }
    const made = (result.data as Partial<SegmentCreateMutation>).segmentCreate;
    discard(); // the next one begins empty
    if (made?.segment) props.onSaved(made.segment.id);
  };
  // The drawer looks for a field that takes the focus when it opens; this comes a moment later.
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (inDrawer) first.current?.focus();
  }, [inDrawer]);
  const p = error ? undefined : data?.segmentPreview;
  const places = useMemo(() => leaves(settledQuery), [settledQuery]);
  const body = (
    <>
      {problem && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      {may && dirty && <Unsaved discard={discard} />}
      {props.usedBy && props.usedBy.length > 0 && (
        <Text
          size="sm"
          c="dimmed"
        >{t`Used by ${usersText(props.usedBy)}. Campaigns that were launched keep their audience.`}</Text>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={t`Name`}
          ref={first}
          data-autofocus={props.onSaved ? true : undefined}
          value={name}
          onChange={(e) => change({ name: e.currentTarget.value })}
          error={errors.name}
        />
        <Textarea
          label={t`Description`}
          autosize
          value={description}
          onChange={(e) => change({ description: e.currentTarget.value })}
          error={errors.description}
        />
      </SimpleGrid>
      <Tabs value={view} onChange={show} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="builder">{t`Builder`}</Tabs.Tab>
          <Tabs.Tab value="json">{t`JSON`}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="builder" pt="md">
          <QueryBuilder value={group} onChange={setQuery} keys={keys} />
        </Tabs.Panel>
        <Tabs.Panel value="json" pt="md">
          <JsonInput
            aria-label={t`Query as JSON`}
            value={json}
            onChange={(v) => {
              setJson(v);
              try {
                const next = JSON.parse(v);
                if (next && typeof next === "object" && !Array.isArray(next)) setQuery(next as Node);
              } catch {
                // half-typed JSON is shown as it is; the query stays
              }
            }}
            autosize
            minRows={8}
            maxRows={24}
            validationError={t`Not JSON yet`}
          />
        </Tabs.Panel>
      </Tabs>
      <Card>
        <Row justify="space-between" mb="sm">
          <Title order={2} size="h4">{t`Preview`}</Title>
          <Text size="sm" c="dimmed">
            {fetching ? t`Counting…` : ""}
          </Text>
        </Row>
        {error ? (
          <Alert color="red" role="alert">
            {errorText(error)}
          </Alert>
        ) : !p ? (
          <Rows n={3} />
        ) : (
          <Stack>
            <SimpleGrid cols={{ base: 2, sm: 4 }}>
              <Stat label={t`Contacts`} value={count(p.count)} testId="segment-count" />
              <Stat label={t`Opted in and reachable`} value={count(p.reachable)} hint={reachableHint(p)} />
              {p.byConsent
                .filter((b) => b.status !== "OPTED_IN")
                .map((b) => (
                  <Stat
                    key={b.status}
                    label={b.status === "UNKNOWN" ? t`Consent unknown` : t`Opted out`}
                    value={count(b.count)}
                  />
                ))}
            </SimpleGrid>
            <Live>{plural(p.count, { one: "# contact matches", other: "# contacts match" })}</Live>
            {p.sample.length > 0 && (
              <Table className="cards">
                {p.sample.length < p.count && (
                  <Table.Caption ta="start">{t`The first ${count(p.sample.length)} of ${count(p.count)}`}</Table.Caption>
                )}
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t`Name`}</Table.Th>
                    <Table.Th>{t`Number`}</Table.Th>
                    <Table.Th>{t`Consent`}</Table.Th>
                    <Table.Th>{t`Why`}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {p.sample.map((c, i) => (
                    <Table.Tr key={c.id}>
                      <Table.Td data-label={t`Name`}>
                        <Link to="/contacts/$id" params={{ id: c.id }} className="plain">
                          {nameOf(c)}
                        </Link>
                      </Table.Td>
                      <Table.Td data-label={t`Number`}>{c.displayAddress}</Table.Td>
                      <Table.Td data-label={t`Consent`}>
                        <Status value={c.consentStatus} />
                      </Table.Td>
                      <Table.Td data-label={t`Why`}>
                        <Why keys={keys} places={places} reasons={p.reasons[i]?.conditions ?? []} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            )}
          </Stack>
        )}
      </Card>
    </>
  );
  const saved = Boolean(props.id) && !dirty; // then writing to them is what comes next
  const saveButton = (
    <Button
      variant={saved ? "default" : "filled"}
      onClick={save}
      loading={creating.fetching || updating.fetching}
    >{t`Save segment`}</Button>
  );
  if (props.onSaved)
    return (
      <Stack>
        <Text size="sm" c="dimmed">
          {sentence(query, keys)}
        </Text>
        {body}
        <Row justify="flex-end">{saveButton}</Row>
      </Stack>
    );
  return (
    <Page
      editor={may}
      up={{ to: "/segments", label: t`Segments` }}
      title={props.id ? props.name : t`New segment`}
      description={capital(sentence(query, keys))}
      actions={
        may && (
          <>
            {props.id && props.usedBy?.length === 0 && (
              <Button
                color="red"
                variant="outline"
                onClick={() =>
                  modals.openConfirmModal({
                    title: t`Delete “${props.name}”?`,
                    children: <Text size="sm">{t`No campaign and no other segment uses it. Its contacts stay.`}</Text>,
                    labels: { confirm: t`Delete the segment`, cancel: t`Keep it` },
                    confirmProps: { color: "red" },
                    onConfirm: async () => {
                      const go = goAfter();
                      if (!settled(await remove({ input: { id: props.id ?? "" } }))) return;
                      discard();
                      go({ to: "/segments" });
                    },
                  })
                }
              >{t`Delete`}</Button>
            )}
            {saveButton}
            {props.id && (
              <LinkButton
                to="/campaigns/new"
                search={{ segment: props.id }}
                variant={saved ? "filled" : "default"}
              >{t`Create a campaign`}</LinkButton>
            )}
          </>
        )
      }
    >
      {body}
    </Page>
  );
}
