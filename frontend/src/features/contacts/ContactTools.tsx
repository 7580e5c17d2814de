import { t } from "@lingui/core/macro";
import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useMutation, useQuery } from "urql";
import { Dialog } from "../../components/Dialog";
import { nameOf } from "../../components/Person";
import { Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { SuppressionReason } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { moment, words } from "../../lib/format";
import { modals } from "../../lib/modals";
import { byHand, useLift } from "../compliance/lift";
import type { BulkKind } from "./BulkBar";
import type { Tool } from "./ContactMenu";

const BulkForm = lazy(async () => ({ default: (await import("./BulkBar")).BulkForm }));
const BulkProgress = lazy(async () => ({ default: (await import("./BulkAction")).BulkProgress }));

const MergeDocument = graphql(`
  mutation ContactMerge($input: ContactMergeInput!) {
    contactMerge(input: $input) {
      contact {
        id
        name
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const MergeSearchDocument = graphql(`
  query MergeSearch($search: String!) {
    contacts(search: $search, first: 6) {
      nodes {
        id
        name
        address
        displayAddress
        consentStatus
      }
    }
  }
`);

type Person = { id: string; name: string; address: string; displayAddress: string };

/** What speaks against writing to a contact, and what its menu opens: tag, suppress, merge, export, erase. */
export function ContactTools(props: {
  tool: Tool | null;
  onTool: (tool: Tool | null) => void;
  contact: Person & {
    tags: readonly string[];
    suppressions: readonly { id: string; reason: SuppressionReason; until?: string | null; createdAt: string }[];
    possibleDuplicates: readonly Person[];
  };
  onChanged: () => void;
}) {
  const { contact: c, onChanged } = props;
  const navigate = useNavigate();
  const merging = props.tool === "merge";
  const kind: BulkKind | null = props.tool === "merge" ? null : props.tool;
  const close = () => props.onTool(null);
  const [running, setRunning] = useState<{ id: string; kind: BulkKind | null } | null>(null);
  const [text, setText] = useState("");
  const [typed] = useDebouncedValue(text.trim(), 250);
  const [{ data: others }] = useQuery({
    query: MergeSearchDocument,
    variables: { search: typed },
    pause: typed.length < 2,
  });
  const [, merge] = useMutation(MergeDocument);
  const lift = useLift();
  const ask = (other: Person) =>
    modals.openConfirmModal({
      title: t`Merge permanently?`,
      children: (
        <Text size="sm">{t`${nameOf(other)} (${other.displayAddress}) goes; messages, conversation and what is known move here, and what comes from ${other.displayAddress} will reach this contact. Nothing is sent to ${other.displayAddress} any more. This cannot be undone.`}</Text>
      ),
      labels: { confirm: t`Merge into ${nameOf(c)}`, cancel: t`Keep both` },
      confirmProps: { color: "red" },
      onConfirm: async () => {
        if (settled(await merge({ input: { id: c.id, mergeId: other.id } }))) close();
      },
    });
  const found = (typed.length < 2 ? c.possibleDuplicates : (others?.contacts.nodes ?? [])).filter((o) => o.id !== c.id);
  const shown = c.suppressions.length > 0 || c.possibleDuplicates.length > 0 || running;
  return (
    <>
      {shown && (
        <Stack gap="sm">
          {c.suppressions.length > 0 && (
            <Alert color="red" title={t`Suppressed: nothing goes to this contact`}>
              <Stack gap={4}>
                {c.suppressions.map((s) => (
                  <Group key={s.id} justify="space-between">
                    <Text size="sm">
                      {s.until
                        ? t`${words(s.reason)} since ${moment(s.createdAt)}, until ${moment(s.until)}`
                        : t`${words(s.reason)} since ${moment(s.createdAt)}`}
                    </Text>
                    {byHand.includes(s.reason) && (
                      <Button
                        size="xs"
                        variant="default"
                        onClick={() => lift({ ...s, others: c.suppressions.filter((o) => o.id !== s.id) })}
                      >{t`Lift`}</Button>
                    )}
                  </Group>
                ))}
              </Stack>
            </Alert>
          )}
          {c.possibleDuplicates.length > 0 && (
            <Alert color="yellow" title={t`Possible duplicate`}>
              <Stack gap={4}>
                {c.possibleDuplicates.map((d) => (
                  <Group key={d.id} justify="space-between">
                    <Link to="/contacts/$id" params={{ id: d.id }} className="plain">
                      {nameOf(d)} · {d.displayAddress}
                    </Link>
                    <Button size="compact-xs" variant="default" onClick={() => ask(d)}>{t`Merge into this one`}</Button>
                  </Group>
                ))}
              </Stack>
            </Alert>
          )}
          {running && (
            <Suspense>
              <BulkProgress
                id={running.id}
                onClose={() => {
                  setRunning(null);
                  if (running.kind === "erase") navigate({ to: "/contacts" });
                  else onChanged();
                }}
              />
            </Suspense>
          )}
        </Stack>
      )}
      {kind && (
        <Suspense>
          <BulkForm
            kind={kind}
            contacts={{ ids: [c.id] }}
            n={1}
            tags={[...c.tags]}
            onClose={close}
            onStarted={(id) => setRunning({ id, kind })}
          />
        </Suspense>
      )}
      <Dialog opened={merging} onClose={close} title={t`Merge into ${nameOf(c)}`}>
        <Stack>
          <TextInput
            label={t`The other contact`}
            description={t`Name, number or attribute`}
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            data-autofocus
          />
          {found.map((o) => (
            <Group key={o.id} justify="space-between">
              <Text size="sm">
                {nameOf(o)} · {o.displayAddress}
              </Text>
              {"consentStatus" in o && <Status value={String(o.consentStatus)} />}
              <Button size="xs" variant="default" onClick={() => ask(o)}>{t`Choose`}</Button>
            </Group>
          ))}
          {typed.length >= 2 && found.length === 0 && <Text size="sm" c="dimmed">{t`Nobody found.`}</Text>}
        </Stack>
      </Dialog>
    </>
  );
}
