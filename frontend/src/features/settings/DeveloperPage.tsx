import { t } from "@lingui/core/macro";
import { Button, Group, SimpleGrid, Stack, Table, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useInterval } from "@mantine/hooks";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { LinkButton, Rows, Status } from "../../components/ui";
import { When } from "../../components/When";
import { graphql } from "../../gql";
import { byField, settled } from "../../lib/errors";
import { words } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { stateOf, Told } from "../monitoring/webhooks";
import { DemoData } from "./DemoData";
import { SandboxForm } from "./SandboxForm";
import { Section } from "./Section";
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

export function DeveloperPage() {
  return (
    <SettingsTab
      title={t`Developer`}
      description={t`The sandbox on this machine stands in for Twilio and WhatsApp, so that everything can be tried without a phone`}
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
      <InboundForm disabled={!may} />
      {may && <RecentWebhooks />}
      <SandboxForm key={JSON.stringify(data.sandboxSettings)} values={data.sandboxSettings} disabled={!may} />
      <DemoData />
    </>
  );
}

const RecentWebhooksDocument = graphql(`
  query RecentWebhooks {
    webhookEvents(first: 5) {
      nodes {
        id
        ...WebhookTold
        arrivedAt
        appliedAt
        nextAttemptAt
        error
        notice
      }
    }
  }
`);

/** What Twilio, or the sandbox, told last. */
function RecentWebhooks() {
  const [{ data, error }, load] = useQuery({ query: RecentWebhooksDocument, requestPolicy: "cache-and-network" });
  const again = () => load({ requestPolicy: "network-only" });
  useInterval(again, 5000, { autoInvoke: true });
  return (
    <Section
      title={t`Recent webhooks`}
      description={t`The latest webhooks and their outcome.`}
      action={<LinkButton to="/monitoring/webhooks" variant="default" size="xs">{t`All webhooks`}</LinkButton>}
    >
      {error && !data ? (
        <Failed error={error} retry={again} />
      ) : !data ? (
        <Rows n={3} />
      ) : data.webhookEvents.nodes.length === 0 ? (
        <Text size="sm" c="dimmed">{t`None yet: simulate an incoming message, or launch a campaign.`}</Text>
      ) : (
        <Table className="cards">
          <Table.Tbody>
            {data.webhookEvents.nodes.map((e) => (
              <Table.Tr key={e.id}>
                <Table.Td data-label={t`Received`} w={130}>
                  <When at={e.arrivedAt} />
                </Table.Td>
                <Table.Td data-label={t`Type`} w={140}>
                  {words(e.kind)}
                </Table.Td>
                <Table.Td data-label={t`What`} style={{ overflowWrap: "anywhere" }}>
                  <Text size="sm" lineClamp={1}>
                    <Told event={e} />
                  </Text>
                </Table.Td>
                <Table.Td data-label={t`State`} ta="right">
                  <Status {...stateOf(e)} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  );
}

function InboundForm(props: { disabled: boolean }) {
  const [{ fetching }, send] = useMutation(InboundSendDocument);
  const form = useForm({ initialValues: { from: "", userId: "", body: "" } });
  return (
    <Section
      title={t`Simulate an incoming message`}
      description={t`It comes by a signed webhook, as from Twilio, and lands in the inbox.`}
    >
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
          <SimpleGrid cols={{ base: 1, sm: 2 }} style={{ alignItems: "end" }}>
            <TextInput
              label={t`From`}
              description={t`The contact’s number, or their ID where WhatsApp shows no number`}
              placeholder="+49 151 12345678"
              {...form.getInputProps("from")}
            />
            <TextInput
              label={t`WhatsApp ID`}
              description={t`Optional. Links this ID and the number to one contact.`}
              placeholder={t`DE.1000000000000001`}
              {...form.getInputProps("userId")}
            />
          </SimpleGrid>
          <TextInput
            label={t`Message`}
            description={t`STOP opts them out, START back in`}
            {...form.getInputProps("body")}
          />
          <Group justify="flex-end">
            <Button type="submit" disabled={props.disabled} loading={fetching}>{t`Simulate message`}</Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
