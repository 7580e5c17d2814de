import {
  Button,
  Card,
  Group,
  Modal,
  NumberInput,
  SimpleGrid,
  Stack,
  Switch,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { Link } from "@tanstack/react-router";
import { useMutation, useQuery } from "urql";
import { useMay, useSession } from "../../app/session";
import { Failed, Page, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { SandboxSettingsQuery } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { ApiTokens } from "../people/ApiTokens";
import { Operators } from "../people/Operators";
import { SignInRules } from "../people/SignInRules";
import { DoubleOptIn } from "./DoubleOptIn";
import { Limits } from "./Limits";

const SendersDocument = graphql(`
  query Senders {
    senders {
      id
      address
      displayName
      ratePerSecond
      status
      pausedReason
    }
  }
`);
const SenderCreateDocument = graphql(`
  mutation SenderCreate($input: SenderCreateInput!) {
    senderCreate(input: $input) {
      sender {
        id
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
const SandboxDocument = graphql(`
  query SandboxSettings {
    sandboxSettings {
      latencyMs
      approvalMs
      queueMs
      logLagMs
      deliveryMs
      readRate
      replyRate
      undeliveredRate
      undeliveredCode
      tooManyRate
      serverErrorRate
      cutRate
      emptyRate
      hangRate
      dropAnswerRate
      repeatRate
      reorderRate
      callbackLossRate
      inboundLossRate
      concurrencyLimit
      redactBodies
      silent
    }
  }
`);
const SandboxUpdateDocument = graphql(`
  mutation SandboxSettingsUpdate($input: SandboxSettingsUpdateInput!) {
    sandboxSettingsUpdate(input: $input) {
      settings {
        latencyMs
      }
      userErrors {
        message
      }
    }
  }
`);
const InboundSendDocument = graphql(`
  mutation SandboxInboundSend($input: SandboxInboundSendInput!) {
    sandboxInboundSend(input: $input) {
      sid
      userErrors {
        field
        message
      }
    }
  }
`);

export function SettingsPage() {
  const admin = useMay("ADMIN");
  const { setup } = useSession();
  return (
    <Page
      title="Settings"
      description={
        setup.live
          ? "Messages go out over Twilio."
          : "The sandbox on this machine plays Twilio: nothing reaches a phone."
      }
    >
      <Senders />
      <Limits />
      <DoubleOptIn />
      <Card>
        <Group justify="space-between">
          <div>
            <Title order={2} size="h4">
              Keywords
            </Title>
            <Text size="sm" c="dimmed">
              What contacts write to opt out, opt in or get help, by language, and what answers them
            </Text>
          </div>
          <Button component={Link} to="/settings/keywords" variant="default">
            Open keywords
          </Button>
        </Group>
      </Card>
      <Card>
        <Group justify="space-between">
          <div>
            <Title order={2} size="h4">
              Data retention
            </Title>
            <Text size="sm" c="dimmed">
              How long texts, raw webhooks, delivery events and rejected rows are kept
            </Text>
          </div>
          <Button component={Link} to="/settings/retention" variant="default">
            Open data retention
          </Button>
        </Group>
      </Card>
      {!setup.live && <Sandbox />}
      {admin && (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          <Operators />
          <ApiTokens />
          <SignInRules />
        </SimpleGrid>
      )}
    </Page>
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
        <Title order={2} size="h4">
          Senders
        </Title>
        {admin && (
          <Button variant="default" onClick={add.open}>
            Add sender
          </Button>
        )}
      </Group>
      <Modal opened={adding} onClose={add.close} title="Add a sender">
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
              label="WhatsApp number, or SID of a Messaging Service"
              placeholder="+49 … or MG…"
              {...form.getInputProps("address")}
            />
            <TextInput label="Name" {...form.getInputProps("displayName")} />
            <NumberInput
              label="Messages a second"
              description="Twilio's default for a WhatsApp sender is 80"
              {...form.getInputProps("ratePerSecond")}
            />
            <Group justify="flex-end">
              <Button type="submit">Add</Button>
            </Group>
          </Stack>
        </form>
      </Modal>
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data ? (
        <Rows n={2} />
      ) : (
        <Table className="cards">
          <Table.Tbody>
            {data.senders.map((s) => (
              <Table.Tr key={s.id}>
                <Table.Td data-label="Name">{s.displayName}</Table.Td>
                <Table.Td data-label="Address">{s.address}</Table.Td>
                <Table.Td data-label="Pace">{s.ratePerSecond} a second</Table.Td>
                <Table.Td data-label="Status">
                  <Status value={s.status} />
                  {s.pausedReason && (
                    <Text size="xs" c="dimmed">
                      {s.pausedReason}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
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
                      {s.status === "ACTIVE" ? "Pause" : "Resume"}
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

type SandboxKey = keyof NonNullable<SandboxSettingsQuery["sandboxSettings"]>;
const sandboxFields: [SandboxKey, string, string][] = [
  ["latencyMs", "Latency, ms", "of each call"],
  ["queueMs", "Queue, ms", "before a message is sent"],
  ["deliveryMs", "Delivery, ms", "typical time to delivered"],
  ["logLagMs", "Log behind by, ms", "for lists, not for one SID"],
  ["approvalMs", "Approval, ms", "until a template is decided"],
  ["readRate", "Read", "share of delivered, 0 to 1"],
  ["replyRate", "Reply", "share of delivered, 0 to 1"],
  ["undeliveredRate", "Undelivered", "share, 0 to 1"],
  ["undeliveredCode", "with error", "Twilio's code"],
  ["tooManyRate", "429", "share of calls"],
  ["serverErrorRate", "500", "half of them accepted all the same"],
  ["cutRate", "Cut connections", "accepted, no answer"],
  ["emptyRate", "Empty answers", "accepted, no body"],
  ["hangRate", "No answer", "not accepted, stays open"],
  ["dropAnswerRate", "Lost answers", "accepted, stays open"],
  ["repeatRate", "Repeated callbacks", "share"],
  ["reorderRate", "Reordered callbacks", "share"],
  ["callbackLossRate", "Lost callbacks", "share"],
  ["inboundLossRate", "Lost inbound", "share; the log has them"],
  ["concurrencyLimit", "Calls at once", "0: no limit"],
];
const sandboxSwitches: [SandboxKey, string, string][] = [
  ["redactBodies", "No texts in the log", "as where Twilio does not retain them"],
  ["silent", "Twilio is away", "every call is taken and never answered"],
];

function Sandbox() {
  const may = useMay("MARKETER");
  const [{ data }] = useQuery({ query: SandboxDocument });
  if (!data?.sandboxSettings) return null;
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }}>
      <InboundForm disabled={!may} />
      <SandboxForm key={JSON.stringify(data.sandboxSettings)} values={data.sandboxSettings} disabled={!may} />
    </SimpleGrid>
  );
}

function InboundForm(props: { disabled: boolean }) {
  const [{ fetching }, send] = useMutation(InboundSendDocument);
  const form = useForm({ initialValues: { from: "", userId: "", body: "" } });
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">
        Simulate an incoming message
      </Title>
      <form
        onSubmit={form.onSubmit(async (v) => {
          const result = await send({ input: { ...v, userId: v.userId || null } });
          const errors = result.data?.sandboxInboundSend.userErrors ?? [];
          if (errors.length) return form.setErrors(byField(errors, ["from", "userId", "body"]).fields);
          if (settled(result)) {
            notifications.show({ message: "The message is in", color: "green" });
            form.setFieldValue("body", "");
          }
        })}
      >
        <Stack>
          <TextInput
            label="From"
            description="The contact's number, or their id where WhatsApp shows no number"
            placeholder="+49 151 12345678"
            {...form.getInputProps("from")}
          />
          <TextInput
            label="WhatsApp id"
            description="Optional, beside a number: the webhook names both, and they are one person"
            placeholder="DE.1000000000000001"
            {...form.getInputProps("userId")}
          />
          <TextInput label="Message" description="STOP opts them out, START back in" {...form.getInputProps("body")} />
          <Group justify="flex-end">
            <Button type="submit" disabled={props.disabled} loading={fetching}>
              Send to us
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}

function SandboxForm(props: { values: NonNullable<SandboxSettingsQuery["sandboxSettings"]>; disabled: boolean }) {
  const { __typename: _, ...initial } = props.values as typeof props.values & { __typename?: string };
  const [{ fetching }, update] = useMutation(SandboxUpdateDocument);
  const form = useForm({ initialValues: initial });
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">
        How the sandbox behaves
      </Title>
      <form
        onSubmit={form.onSubmit(async (v) => {
          if (settled(await update({ input: v })))
            notifications.show({ message: "The sandbox behaves so from now on", color: "green" });
        })}
      >
        <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="xs">
          {sandboxFields.map(([key, label, hint]) => (
            <NumberInput
              key={key}
              label={label}
              description={hint}
              step={key.endsWith("Rate") ? 0.01 : 1}
              min={0}
              size="xs"
              {...form.getInputProps(key)}
            />
          ))}
        </SimpleGrid>
        <Stack gap="xs" mt="md">
          {sandboxSwitches.map(([key, label, hint]) => (
            <Switch
              key={key}
              label={label}
              description={hint}
              size="xs"
              {...form.getInputProps(key, { type: "checkbox" })}
            />
          ))}
        </Stack>
        <Group justify="flex-end" mt="md">
          <Button type="submit" variant="default" disabled={props.disabled} loading={fetching}>
            Apply
          </Button>
        </Group>
      </form>
    </Card>
  );
}
