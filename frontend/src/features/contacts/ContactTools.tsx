import { t } from "@lingui/core/macro";
import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { DropdownMenu } from "../../components/Dropdown";
import { nameOf } from "../../components/Person";
import { ProofButton } from "../../components/ProofButton";
import { Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { SuppressionReason } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { moment, words } from "../../lib/format";
import { modals } from "../../lib/modals";
import { byHand, useLift } from "../compliance/lift";
import type { BulkKind } from "./BulkBar";

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

/** What can be done with one contact beside editing: tag, suppress, merge, export, erase. */
export function ContactTools(props: {
  contact: Person & {
    tags: readonly string[];
    suppressions: readonly { id: string; reason: SuppressionReason; until?: string | null; createdAt: string }[];
    possibleDuplicates: readonly Person[];
  };
  onChanged: () => void;
}) {
  const { contact: c, onChanged } = props;
  const admin = useMay("ADMIN");
  const navigate = useNavigate();
  const [kind, setKind] = useState<BulkKind | null>(null);
  const [running, setRunning] = useState<{ id: string; kind: BulkKind | null } | null>(null);
  const [merging, setMerging] = useState(false);
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
        if (settled(await merge({ input: { id: c.id, mergeId: other.id } }))) setMerging(false);
      },
    });
  const found = (typed.length < 2 ? c.possibleDuplicates : (others?.contacts.nodes ?? [])).filter((o) => o.id !== c.id);
  return (
    <>
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
        <Group gap="xs" role="group" aria-label={t`Manage`}>
          <Button size="xs" variant="default" onClick={() => setKind("tag")}>{t`Tag`}</Button>
          <Button size="xs" variant="default" onClick={() => setMerging(true)}>{t`Merge with…`}</Button>
          <ProofButton of="contacts" id={c.id} />
          <Button size="xs" variant="default" onClick={() => setKind("export")}>{t`Export`}</Button>
          <DropdownMenu target={<Button size="xs" variant="default">{t`Their data`}</Button>}>
            {(Menu) => (
              <>
                <Menu.Label>{t`All data kept about them`}</Menu.Label>
                <Menu.Item
                  component="a"
                  href={`/downloads/contacts/${c.id}/data.json`}
                  download
                >{t`Download their data (JSON)`}</Menu.Item>
                <Menu.Item
                  component="a"
                  href={`/downloads/contacts/${c.id}/data.html`}
                  target="_blank"
                  rel="noopener noreferrer"
                >{t`Readable page`}</Menu.Item>
              </>
            )}
          </DropdownMenu>
          <Button size="xs" variant="default" onClick={() => setKind("suppress")}>{t`Suppress`}</Button>
          {admin && (
            <Button size="xs" color="red" variant="outline" onClick={() => setKind("erase")}>{t`Erase`}</Button>
          )}
        </Group>
      </Stack>
      {kind && (
        <Suspense>
          <BulkForm
            kind={kind}
            contacts={{ ids: [c.id] }}
            n={1}
            tags={[...c.tags]}
            onClose={() => setKind(null)}
            onStarted={(id) => setRunning({ id, kind })}
          />
        </Suspense>
      )}
      <Dialog opened={merging} onClose={() => setMerging(false)} title={t`Merge into ${nameOf(c)}`}>
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
