import { t } from "@lingui/core/macro";
import { Button, Card, Group, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery } from "urql";
import { useMay, useSession } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { NumberField } from "../../components/NumberField";
import { Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { byField, settled } from "../../lib/errors";
import { decimal } from "../../lib/format";
import { SettingsTab } from "./SettingsTab";
import { SenderCreateDocument } from "./senders";

const SendersDocument = graphql(`
  query Senders {
    senders {
      id
      displayAddress
      displayName
      ratePerSecond
      status
      pausedReason
    }
  }
`);
const SenderPauseDocument = graphql(`
  mutation SenderPause($input: SenderPauseInput!) {
    senderPause(input: $input) {
      sender {
        id
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
        status
        pausedReason
      }
      userErrors {
        message
      }
    }
  }
`);

export function SendersPage() {
  const { setup } = useSession();
  return (
    <SettingsTab
      title={t`Senders`}
      description={
        setup.live
          ? t`The numbers that messages go out from, over Twilio`
          : t`The numbers that messages go out from. In the sandbox, messages are simulated and never reach a phone.`
      }
    >
      <Senders />
    </SettingsTab>
  );
}

function Senders() {
  const admin = useMay("ADMIN");
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useQuery({ query: SendersDocument });
  const [, create] = useMutation(SenderCreateDocument);
  const [, pause] = useMutation(SenderPauseDocument);
  const [, resume] = useMutation(SenderResumeDocument);
  const [adding, add] = useDisclosure();
  const form = useForm({ initialValues: { address: "", displayName: "", ratePerSecond: 80 } });
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">{t`Senders`}</Title>
        {admin && <Button onClick={add.open}>{t`Add sender`}</Button>}
      </Group>
      <Dialog opened={adding} onClose={add.close} title={t`Add a sender`}>
        <form
          onSubmit={form.onSubmit(async (v) => {
            const result = await create({ input: v });
            const errors = result.data?.senderCreate.userErrors ?? [];
            if (errors.length)
              return form.setErrors(byField(errors, ["address", "displayName", "ratePerSecond"]).fields);
            if (settled(result)) add.close();
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
              description={t`Twilio's default for a WhatsApp sender is 80`}
              {...form.getInputProps("ratePerSecond")}
            />
            <Group justify="flex-end">
              <Button type="submit">{t`Add`}</Button>
            </Group>
          </Stack>
        </form>
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
            {data.senders.map((s) => (
              <Table.Tr key={s.id}>
                <Table.Td data-label={t`Name`}>{s.displayName}</Table.Td>
                <Table.Td data-label={t`Number`}>{s.displayAddress}</Table.Td>
                <Table.Td data-label={t`Pace`}>{t`${decimal(s.ratePerSecond)} a second`}</Table.Td>
                <Table.Td data-label={t`Status`}>
                  <Status value={s.status} />
                  {s.pausedReason && (
                    <Text size="xs" c="dimmed">
                      {s.pausedReason}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td ta="right">
                  {may && (
                    <Button
                      size="xs"
                      variant="default"
                      onClick={async () =>
                        settled(
                          s.status === "ACTIVE"
                            ? await pause({ input: { id: s.id } })
                            : await resume({ input: { id: s.id } }),
                        )
                      }
                    >
                      {s.status === "ACTIVE" ? t`Pause` : t`Resume`}
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}
