import { t } from "@lingui/core/macro";
import { Button, Card, Group, SimpleGrid, Stack, Switch, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { NumberField } from "../../components/NumberField";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { SandboxSettingsQuery } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { notifications } from "../../lib/notifications";
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
      clickRate
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
      portfolioLimit
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
  ["latencyMs", t`Latency, ms`, t`Of each call`],
  ["queueMs", t`Queue, ms`, t`Before a message is sent`],
  ["deliveryMs", t`Delivery, ms`, t`Typical time to delivered`],
  ["logLagMs", t`Log behind by, ms`, t`For lists, not for one SID`],
  ["approvalMs", t`Approval, ms`, t`Until a template is decided`],
  ["readRate", t`Read`, t`Share of delivered, 0 to 1`],
  ["clickRate", t`Click`, t`Share of read, 0 to 1`],
  ["replyRate", t`Reply`, t`Share of delivered, 0 to 1`],
  ["undeliveredRate", t`Undelivered`, t`Share of sent, 0 to 1`],
  ["undeliveredCode", t`Error of undelivered`, t`Twilio's code`],
  ["tooManyRate", t`Too many requests (429)`, t`Share of calls`],
  ["serverErrorRate", t`Server errors (500)`, t`Half are accepted all the same`],
  ["cutRate", t`Cut connections`, t`Accepted, no answer`],
  ["emptyRate", t`Empty answers`, t`Accepted, no body`],
  ["hangRate", t`No answer`, t`Not accepted, stays open`],
  ["dropAnswerRate", t`Lost answers`, t`Accepted, stays open`],
  ["repeatRate", t`Repeated callbacks`, t`Share of callbacks`],
  ["reorderRate", t`Reordered callbacks`, t`Share of callbacks`],
  ["callbackLossRate", t`Lost callbacks`, t`Share of callbacks`],
  ["inboundLossRate", t`Lost inbound`, t`Share; the log has them`],
  ["concurrencyLimit", t`Calls at once`, t`0: no limit`],
  ["portfolioLimit", t`People a day`, t`Outside windows; 0: no limit`],
];
const sandboxSwitches: [SandboxKey, string, string][] = [
  ["redactBodies", t`No texts in the log`, t`As where Twilio does not retain them`],
  ["silent", t`Twilio is away`, t`Every call is taken and never answered`],
];

export function DeveloperPage() {
  return (
    <SettingsTab
      title={t`Developer`}
      description={t`The sandbox on this machine plays Twilio and WhatsApp, so that everything can be tried without a phone`}
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
  if (!data.sandboxSettings) return <Text size="sm">{t`Messages go out over Twilio: the sandbox is not there.`}</Text>;
  return (
    <>
      <DemoData />
      <SimpleGrid cols={{ base: 1, lg: 2 }} style={{ alignItems: "start" }}>
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
      <Title order={2} size="h4" mb="sm">{t`Simulate an incoming message`}</Title>
      <form
        onSubmit={form.onSubmit(async (v) => {
          const result = await send({ input: { ...v, userId: v.userId || null } });
          const errors = result.data?.sandboxInboundSend.userErrors ?? [];
          if (errors.length) return form.setErrors(byField(errors, ["from", "userId", "body"]).fields);
          if (settled(result)) {
            notifications.show({ message: t`The message is in`, color: "green" });
            form.setFieldValue("body", "");
          }
        })}
      >
        <Stack>
          <TextInput
            label={t`From`}
            description={t`The contact's number, or their id where WhatsApp shows no number`}
            placeholder="+49 151 12345678"
            {...form.getInputProps("from")}
          />
          <TextInput
            label={t`WhatsApp id`}
            description={t`Optional, beside a number: the webhook names both, and they are one person`}
            placeholder={t`DE.1000000000000001`}
            {...form.getInputProps("userId")}
          />
          <TextInput
            label={t`Message`}
            description={t`STOP opts them out, START back in`}
            {...form.getInputProps("body")}
          />
          <Group justify="flex-end">
            <Button type="submit" disabled={props.disabled} loading={fetching}>{t`Send to us`}</Button>
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
      <Title order={2} size="h4" mb="sm">{t`How the sandbox behaves`}</Title>
      <form
        onSubmit={form.onSubmit(async (v) => {
          if (settled(await update({ input: v })))
            notifications.show({ message: t`The sandbox behaves so from now on`, color: "green" });
        })}
      >
        <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="xs" style={{ alignItems: "end" }}>
          {sandboxFields.map(([key, label, hint]) => (
            <NumberField
              key={key}
              label={label}
              description={hint}
              step={key.endsWith("Rate") ? 0.01 : 1}
              thousandSeparator={key === "undeliveredCode" ? false : undefined} // a name, and no amount
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
          <Button type="submit" variant="default" disabled={props.disabled} loading={fetching}>{t`Apply`}</Button>
        </Group>
      </form>
    </Card>
  );
}
