import { plural, t } from "@lingui/core/macro";
import { Alert, Button, Card, Group, Progress, Stack, Text, Title } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { contacts, count, percent } from "../../lib/format";
import { modals } from "../../lib/modals";

const DemoDataDocument = graphql(`
  query DemoData {
    demoData {
      present
      contacts
      run {
        kind
        status
        progress
        contacts
        failure
      }
    }
  }
`);

const SeedDocument = graphql(`
  mutation SandboxSeed($input: SandboxSeedInput!) {
    sandboxSeed(input: $input) {
      contacts
      userErrors {
        field
        message
      }
    }
  }
`);

const RemoveDocument = graphql(`
  mutation SandboxSeedRemove($input: SandboxSeedRemoveInput!) {
    sandboxSeedRemove(input: $input) {
      run {
        status
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** What there is of demo data, read again each second while it is written or removed. */
export function useDemoData(onDone?: () => void) {
  const [{ data }, load] = useQuery({ query: DemoDataDocument, requestPolicy: "cache-and-network" });
  const d = data?.demoData;
  const busy = d?.run?.status === "PENDING" || d?.run?.status === "RUNNING";
  const { start, stop } = useInterval(() => load({ requestPolicy: "network-only" }), 1000);
  const was = useRef(false);
  useEffect(() => {
    if (busy) start();
    else if (was.current) onDone?.();
    was.current = busy;
    return stop;
  }, [busy, start, stop, onDone]);
  return { data: d, busy, load: () => load({ requestPolicy: "network-only" }) };
}

type Data = NonNullable<ReturnType<typeof useDemoData>["data"]>;

/** How far it is; a page that is closed does not stop it. */
export function DemoProgress({ of }: { of: Data }) {
  const run = of.run;
  if (!run) return null;
  if (run.status === "FAILED")
    return (
      <Alert color="red" title={run.kind === "SEED" ? t`Demo data was not written` : t`Demo data was not removed`}>
        {run.failure}
      </Alert>
    );
  if (run.status === "COMPLETED") return null;
  const n = contacts(run.contacts);
  const text = run.kind === "SEED" ? t`Writing ${n} and six weeks of campaigns` : t`Erasing ${n}`;
  return (
    <Stack gap={4}>
      <Text size="sm" role="status">
        {text}: {percent(run.progress)}
      </Text>
      <Progress value={run.progress * 100} aria-label={text} animated />
      <Text size="xs" c="dimmed">{t`It goes on if you leave this page.`}</Text>
    </Stack>
  );
}

export function SeedButton(props: { onStarted: () => void }) {
  const [{ fetching }, seed] = useMutation(SeedDocument);
  return (
    <Button
      variant="default"
      loading={fetching}
      onClick={async () => settled(await seed({ input: {} })) && props.onStarted()}
    >{t`Fill with demo data`}</Button>
  );
}

/** Demo data in Settings: there or not, and the way to be rid of it. */
export function DemoData() {
  const admin = useMay("ADMIN");
  const { data: d, busy, load } = useDemoData();
  const [{ fetching }, remove] = useMutation(RemoveDocument);
  if (!d || (!d.present && !busy && d.run?.status !== "FAILED")) return null;
  const n = plural(d.contacts, { one: "# demo contact", other: "# demo contacts" });
  const ask = () =>
    modals.openConfirmModal({
      title: t`Erase ${n}?`,
      children: (
        <Text size="sm">
          {t`${count(d.contacts)} made-up contacts are erased with the texts of their messages. Campaigns and their numbers stay, and so do the entries of the consent ledger, which are marked as made up. This cannot be undone.`}
        </Text>
      ),
      labels: { confirm: t`Erase ${n}`, cancel: t`Keep them` },
      confirmProps: { color: "red" },
      onConfirm: async () => settled(await remove({ input: { contacts: d.contacts } })) && load(),
    });
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`Demo data`}</Title>
      <Stack>
        <DemoProgress of={d} />
        {d.present && !busy && (
          <Group justify="space-between">
            <Text size="sm" c="dimmed" maw={560}>
              {t`There are ${n}. You can go live once they are removed.`}
            </Text>
            {admin && (
              <Button color="red" variant="outline" loading={fetching} onClick={ask}>{t`Remove demo data`}</Button>
            )}
          </Group>
        )}
      </Stack>
    </Card>
  );
}
