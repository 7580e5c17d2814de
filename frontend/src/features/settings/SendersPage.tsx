import { plural, t } from "@lingui/core/macro";
import { Button, Card, Group, Stack, Table, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay, useSession } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { NumberField } from "../../components/NumberField";
import { Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { SendersQuery } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { modals } from "../../lib/modals";
import { SettingsTab } from "./SettingsTab";
import { SenderCreateDocument } from "./senders";

const SendersDocument = graphql(`
  query Senders {
    senders {
      id
      revision
      displayAddress
      displayName
      ratePerSecond
      status
      pausedReason
    }
  }
`);
const SenderUpdateDocument = graphql(`
  mutation SenderUpdate($input: SenderUpdateInput!) {
    senderUpdate(input: $input) {
      sender {
        id
        revision
        displayName
        ratePerSecond
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const SenderPauseDocument = graphql(`
  mutation SenderPause($input: SenderPauseInput!) {
    senderPause(input: $input) {
      sender {
        id
        revision
        status
        pausedReason
      }
      userErrors {
        message
      }
    }
  }
`);
const SenderResumeDocument = graphql(`
  mutation SenderResume($input: SenderResumeInput!) {
    senderResume(input: $input) {
      sender {
        id
        revision
        status
        pausedReason
      }
      userErrors {
        message
      }
    }
  }
`);

type Sender = SendersQuery["senders"][number];

export function SendersPage() {
  const { setup } = useSession();
  const admin = useMay("ADMIN");
  const [adding, add] = useDisclosure();
  return (
    <SettingsTab
      title={t`Senders`}
      description={
        setup.live
          ? t`The numbers that messages go out from, over Twilio`
          : t`The numbers that messages go out from. In the sandbox, messages are simulated and never reach a phone.`
      }
      actions={admin && <Button onClick={add.open}>{t`Add sender`}</Button>}
    >
      <Dialog opened={adding} onClose={add.close} title={t`Add a sender`}>
        <AddForm done={add.close} />
      </Dialog>
      <Senders />
    </SettingsTab>
  );
}

function AddForm(props: { done: () => void }) {
  const [{ fetching }, create] = useMutation(SenderCreateDocument);
  const form = useForm({ initialValues: { address: "", displayName: "", ratePerSecond: 80 } });
  return (
    <form
      onSubmit={form.onSubmit(async (v) => {
        const result = await create({ input: v });
        const errors = result.data?.senderCreate.userErrors ?? [];
        if (errors.length) return form.setErrors(byField(errors, ["address", "displayName", "ratePerSecond"]).fields);
        if (settled(result)) props.done();
      })}
    >
      <Stack>
        <TextInput
          label={t`WhatsApp number, or SID of a Messaging Service`}
          placeholder={t`+49 … or MG…`}
          {...form.getInputProps("address")}
        />
        <TextInput label={t`Name`} {...form.getInputProps("displayName")} />
        <NumberField
          label={t`Messages a second`}
          description={t`Twilio’s default for a WhatsApp sender is 80`}
          {...form.getInputProps("ratePerSecond")}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={fetching}>{t`Add`}</Button>
        </Group>
      </Stack>
    </form>
  );
}

function EditForm(props: { sender: Sender; done: () => void }) {
  const s = props.sender;
  const [{ fetching }, update] = useMutation(SenderUpdateDocument);
  const [expectedVersion] = useState(s.revision);
  const form = useForm({
    initialValues: { displayName: s.displayName, ratePerSecond: s.ratePerSecond as number | string },
  });
  return (
    <form
      onSubmit={form.onSubmit(async (v) => {
        const input = { id: s.id, ...v, ratePerSecond: Number(v.ratePerSecond), expectedVersion };
        const result = await update({ input });
        const errors = result.data?.senderUpdate.userErrors ?? [];
        const { fields, rest } = byField(errors, ["displayName", "ratePerSecond"]);
        if (errors.length) return form.setErrors(rest ? { ...fields, displayName: rest } : fields);
        if (settled(result)) props.done();
      })}
    >
      <Stack>
        <TextInput label={t`Name`} data-autofocus {...form.getInputProps("displayName")} />
        <NumberField
          label={t`Messages a second`}
          description={t`Twilio’s default for a WhatsApp sender is 80. A change takes effect at once, also while a campaign runs.`}
          {...form.getInputProps("ratePerSecond")}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={fetching} disabled={!form.isDirty()}>{t`Save`}</Button>
        </Group>
      </Stack>
    </form>
  );
}

/** A number without what people write between its digits. */
const bare = (number: string) => number.replace(/[\s().-]/g, "");

function Senders() {
  const admin = useMay("ADMIN");
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useQuery({ query: SendersDocument });
  const [, pause] = useMutation(SenderPauseDocument);
  const [, resume] = useMutation(SenderResumeDocument);
  const [editing, edit] = useState<Sender | null>(null);
  const ask = (s: Sender) =>
    modals.openConfirmModal({
      title: t`Pause “${s.displayName}”?`,
      children: (
        <Text size="sm">{t`Nothing is sent from it until somebody resumes it: no campaigns, replies or tests. Campaigns that have another active sender go on with that one; all others pause, and are resumed one by one.`}</Text>
      ),
      labels: { confirm: t`Pause`, cancel: t`Keep sending` },
      onConfirm: async () => settled(await pause({ input: { id: s.id } })),
    });
  return (
    <Card>
      <Dialog opened={editing !== null} onClose={() => edit(null)} title={t`Edit the sender`}>
        {editing && <EditForm sender={editing} done={() => edit(null)} />}
      </Dialog>
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data ? (
        <Rows n={2} />
      ) : (
        <Table className="cards">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t`Name`}</Table.Th>
              <Table.Th>{t`Number`}</Table.Th>
              <Table.Th>{t`Pace`}</Table.Th>
              <Table.Th>{t`Status`}</Table.Th>
              <Table.Th aria-label={t`Actions`} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.senders.map((s) => {
              const named = bare(s.displayName) !== bare(s.displayAddress); // a name that is the number says it already
              return (
                <Table.Tr key={s.id}>
                  <Table.Td data-label={t`Name`}>
                    <bdi>{s.displayName}</bdi>
                  </Table.Td>
                  <Table.Td data-label={t`Number`} data-none={!named || undefined}>
                    {named && s.displayAddress}
                  </Table.Td>
                  <Table.Td data-label={t`Pace`}>
                    {plural(s.ratePerSecond, { one: "# message a second", other: "# messages a second" })}
                  </Table.Td>
                  <Table.Td data-label={t`Status`}>
                    <Status value={s.status} />
                    {s.pausedReason && (
                      <Text size="xs" c="dimmed">
                        {s.pausedReason}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>
                    <Group gap="xs" justify="flex-end">
                      {admin && (
                        <Button
                          size="xs"
                          variant="default"
                          aria-label={t`Edit ${s.displayName}`}
                          onClick={() => edit(s)}
                        >{t`Edit`}</Button>
                      )}
                      {may && (
                        <Button
                          size="xs"
                          variant="default"
                          onClick={async () => {
                            if (s.status === "ACTIVE") ask(s);
                            else settled(await resume({ input: { id: s.id } }));
                          }}
                        >
                          {s.status === "ACTIVE" ? t`Pause` : t`Resume`}
                        </Button>
                      )}
                    </Group>
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}
