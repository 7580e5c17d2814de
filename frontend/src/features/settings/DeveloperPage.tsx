import { Button, Card, Group, NumberInput, SimpleGrid, Stack, Switch, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { SandboxSettingsQuery } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { DemoData } from "./DemoData";
import { SettingsTab } from "./SettingsTab";

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

export function DeveloperPage() {
  return (
    <SettingsTab
      title="Developer"
      description="The sandbox on this machine plays Twilio and WhatsApp, so that everything can be tried without a phone"
    >
      <Sandbox />
    </SettingsTab>
  );
}

function Sandbox() {
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useQuery({ query: SandboxDocument });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows />;
  if (!data.sandboxSettings) return <Text size="sm">Messages go out over Twilio: the sandbox is not there.</Text>;
  return (
    <>
      <DemoData />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <InboundForm disabled={!may} />
        <SandboxForm key={JSON.stringify(data.sandboxSettings)} values={data.sandboxSettings} disabled={!may} />
      </SimpleGrid>
    </>
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
