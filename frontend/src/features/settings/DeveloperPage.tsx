import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import {
  Box,
  Button,
  Card,
  Code,
  CopyButton,
  Fieldset,
  Group,
  SimpleGrid,
  Stack,
  Switch,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useInterval } from "@mantine/hooks";
import { type ReactNode, useEffect } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { NumberField } from "../../components/NumberField";
import { LinkButton, Rows, Status, scrollable } from "../../components/ui";
import { When } from "../../components/When";
import { graphql } from "../../gql";
import type { SandboxSettingsQuery } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { percentSign, words } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { stateOf, toldBy } from "../monitoring/webhooks";
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
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <CallTheApi />
        <InboundForm disabled={!may} />
      </SimpleGrid>
      {may && <RecentWebhooks />}
      <SandboxForm key={JSON.stringify(data.sandboxSettings)} values={data.sandboxSettings} disabled={!may} />
      <DemoData />
    </>
  );
}

/** A section of the page: what it is for stands below its name. */
function Section(props: { title: string; description: ReactNode; action?: ReactNode; children: ReactNode }) {
  return (
    <Card component="section" aria-label={props.title}>
      <Group justify="space-between" align="flex-start" mb="md" gap="xs">
        <Box miw={0} flex="1 1 240px">
          <Title order={2} size="h4">
            {props.title}
          </Title>
          <Text size="sm" c="dimmed">
            {props.description}
          </Text>
        </Box>
        {props.action}
      </Group>
      {props.children}
    </Card>
  );
}

/** A text to take along, with the button that copies it. */
function Copied(props: { label: string; value: string }) {
  return (
    <Box pos="relative">
      <Code
        block
        pr={92}
        bg="light-dark(var(--mantine-color-gray-0), var(--mantine-color-dark-8))"
        style={{ whiteSpace: "pre", overflowX: "auto" }}
        {...scrollable(props.label)}
      >
        {props.value}
      </Code>
      <CopyButton value={props.value}>
        {({ copied, copy }) => (
          <Button
            size="compact-xs"
            variant="default"
            pos="absolute"
            top={8}
            right={8}
            aria-label={copied ? t`Copied` : t`Copy: ${props.label}`}
            onClick={copy}
          >
            {copied ? t`Copied` : t`Copy`}
          </Button>
        )}
      </CopyButton>
    </Box>
  );
}

/** Where the API is, a first call, and the tokens that let programs in. */
function CallTheApi() {
  const admin = useMay("ADMIN");
  const address = `${window.location.origin}/graphql`;
  const call = [
    `curl ${address} \\`,
    `  -H "Authorization: Bearer $TOKEN" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '{"query": "{ contactCount(query: {all: []}) }"}'`,
  ].join("\n");
  return (
    <Section
      title={t`Call the API`}
      description={t`Everything that these pages do, programs can do too: in GraphQL, with a token.`}
      action={
        <Button component="a" href="/playground" variant="default" size="xs">
          {t`Playground`}
        </Button>
      }
    >
      <Stack>
        <div>
          <Text size="sm" fw={550} mb={4}>{t`Address`}</Text>
          <Copied label={t`Address`} value={address} />
        </div>
        <div>
          <Text size="sm" fw={550} mb={4}>{t`A first call: how many contacts there are`}</Text>
          <Copied label={t`A first call`} value={call} />
        </div>
        <div>
          <Text size="sm" fw={550} mb={4}>{t`Tokens`}</Text>
          {admin ? <Tokens /> : <Text size="sm" c="dimmed">{t`An admin makes them.`}</Text>}
        </div>
      </Stack>
    </Section>
  );
}

const TokenStatesDocument = graphql(`
  query TokenStates {
    apiTokens {
      id
      name
      prefix
      expiresAt
      revokedAt
      lastUsedAt
    }
  }
`);
const mostTokens = 3;

/** The tokens that open the API now, the last used first. */
function Tokens() {
  const [{ data, error }, load] = useQuery({ query: TokenStatesDocument, requestPolicy: "cache-and-network" });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={1} />;
  const valid = data.apiTokens
    .filter((k) => !k.revokedAt && !(k.expiresAt && new Date(k.expiresAt) < new Date()))
    .toSorted((a, b) => Date.parse(b.lastUsedAt ?? "1970") - Date.parse(a.lastUsedAt ?? "1970"));
  return (
    <Stack gap={6}>
      {valid.length === 0 && <Text size="sm" c="dimmed">{t`There is none yet.`}</Text>}
      {valid.slice(0, mostTokens).map((k) => (
        <Group key={k.id} justify="space-between" gap="xs">
          <Text size="sm" style={{ overflowWrap: "anywhere" }} miw={0}>
            {k.name} <Code>{k.prefix}…</Code>
          </Text>
          <Text size="sm" c="dimmed">
            {k.lastUsedAt ? <UsedAt at={k.lastUsedAt} /> : t`not used yet`}
          </Text>
        </Group>
      ))}
      <Group>
        <LinkButton to="/settings/api" size="xs" variant="default">
          {valid.length === 0 ? t`New token` : t`Manage tokens`}
        </LinkButton>
      </Group>
    </Stack>
  );
}

function UsedAt({ at }: { at: string }) {
  const when = <When at={at} />;
  return <Trans>used {when}</Trans>;
}

const RecentWebhooksDocument = graphql(`
  query RecentWebhooks {
    webhookEvents(first: 5) {
      nodes {
        id
        kind
        params
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
  const looking = useInterval(again, 5000);
  useEffect(() => {
    looking.start();
    return looking.stop;
  }, [looking.start, looking.stop]);
  return (
    <Section
      title={t`Recent webhooks`}
      description={t`What the sandbox told this server last, and what became of it.`}
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
                    {toldBy(e)}
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
    </Section>
  );
}

type SandboxKey = keyof NonNullable<SandboxSettingsQuery["sandboxSettings"]>;
type Unit = "ms" | "share" | "none";

/** What can be set, in groups that tell what they are for. */
const sandboxGroups: { title: string; about: string; fields: [SandboxKey, Unit, string, string][] }[] = [
  {
    title: t`How long things take`,
    about: t`Long ones show what a page looks like while it waits.`,
    fields: [
      ["latencyMs", "ms", t`Latency`, t`Of each call`],
      ["queueMs", "ms", t`Queue`, t`Before a message is sent`],
      ["deliveryMs", "ms", t`Time to delivered`, t`Typical`],
      ["approvalMs", "ms", t`Time to approval`, t`Until a template is decided`],
      ["logLagMs", "ms", t`Log behind by`, t`For lists, not for one SID`],
    ],
  },
  {
    title: t`What people do`,
    about: t`Of 100 messages, how many are read, clicked and answered.`,
    fields: [
      ["readRate", "share", t`Read`, t`Of what is delivered`],
      ["clickRate", "share", t`Click`, t`Of what is read`],
      ["replyRate", "share", t`Reply`, t`Of what is delivered`],
    ],
  },
  {
    title: t`What WhatsApp and Twilio refuse`,
    about: t`The engine slows down, waits, or tells why somebody got nothing.`,
    fields: [
      ["undeliveredRate", "share", t`Undelivered`, t`Of what is sent`],
      ["undeliveredCode", "none", t`Error of undelivered`, t`Twilio's code`],
      ["tooManyRate", "share", t`Too many requests (429)`, t`Of all calls`],
      ["concurrencyLimit", "none", t`Calls at once`, t`0: no limit`],
      ["portfolioLimit", "none", t`People a day`, t`Outside windows; 0: no limit`],
    ],
  },
  {
    title: t`Calls that go wrong`,
    about: t`Whether Twilio took the message is not known then: the engine finds out, and asks you where nothing tells.`,
    fields: [
      ["serverErrorRate", "share", t`Server errors (500)`, t`Half are accepted all the same`],
      ["cutRate", "share", t`Cut connections`, t`Accepted, no answer`],
      ["emptyRate", "share", t`Empty answers`, t`Accepted, no body`],
      ["hangRate", "share", t`No answer`, t`Not accepted, stays open`],
      ["dropAnswerRate", "share", t`Lost answers`, t`Accepted, stays open`],
    ],
  },
  {
    title: t`Webhooks that go wrong`,
    about: t`What comes twice counts once, and what never comes is found in Twilio's log.`,
    fields: [
      ["repeatRate", "share", t`Repeated callbacks`, t`Of all callbacks`],
      ["reorderRate", "share", t`Reordered callbacks`, t`Of all callbacks`],
      ["callbackLossRate", "share", t`Lost callbacks`, t`Of all callbacks`],
      ["inboundLossRate", "share", t`Lost inbound`, t`The log has them`],
    ],
  },
];
const sandboxSwitches: [SandboxKey, string, string][] = [
  ["redactBodies", t`No texts in the log`, t`As where Twilio does not retain them`],
  ["silent", t`Twilio is away`, t`Every call is taken and never answered`],
];

const failing = ["undeliveredRate", "tooManyRate"].concat(
  sandboxGroups.slice(3).flatMap((g) => g.fields.map(([key]) => key)),
);
/** Days to try, in percent of what they are of; what they do not name stays as it is. */
const sandboxDays: { label: string; set: Record<string, number | boolean> }[] = [
  { label: t`Nothing goes wrong`, set: { ...Object.fromEntries(failing.map((key) => [key, 0])), silent: false } },
  {
    label: t`A rough day`,
    set: {
      undeliveredRate: 3,
      tooManyRate: 5,
      serverErrorRate: 2,
      cutRate: 1,
      emptyRate: 0.5,
      hangRate: 0,
      dropAnswerRate: 0.5,
      repeatRate: 10,
      reorderRate: 10,
      callbackLossRate: 2,
      inboundLossRate: 2,
      silent: false,
    },
  },
  { label: t`Twilio is away`, set: { silent: true } },
];

const isShare = (key: string) => key.endsWith("Rate");
const shown = (values: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(values).map(([k, v]) => [k, isShare(k) ? Number((Number(v) * 100).toFixed(4)) : v]),
  );
const meant = (values: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(values).map(([k, v]) => [k, isShare(k) ? Number((Number(v) / 100).toFixed(6)) : v]),
  );

function SandboxForm(props: { values: NonNullable<SandboxSettingsQuery["sandboxSettings"]>; disabled: boolean }) {
  const { __typename: _, ...initial } = props.values as typeof props.values & { __typename?: string };
  const [{ fetching }, update] = useMutation(SandboxUpdateDocument);
  const form = useForm({ initialValues: shown(initial) as typeof initial });
  return (
    <Section
      title={t`How the sandbox behaves`}
      description={t`Make things go wrong on purpose, and see what the engine and these pages do about it.`}
      action={
        <Group gap="xs" role="group" aria-label={t`Fill in`}>
          {sandboxDays.map((day) => (
            <Button
              key={day.label}
              size="xs"
              variant="default"
              disabled={props.disabled}
              onClick={() => form.setValues(day.set as Partial<typeof initial>)}
            >
              {day.label}
            </Button>
          ))}
        </Group>
      }
    >
      <form
        onSubmit={form.onSubmit(async (v) => {
          if (settled(await update({ input: meant(v) as typeof initial })))
            notifications.show({ message: t`The sandbox behaves so from now on`, color: "green" });
        })}
      >
        <Stack gap="lg">
          {sandboxGroups.map((group) => (
            <Fieldset key={group.title} variant="unstyled" legend={group.title} disabled={props.disabled}>
              <Text size="sm" c="dimmed" mt={-6} mb="xs">
                {group.about}
              </Text>
              <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} spacing="sm" style={{ alignItems: "end" }}>
                {group.fields.map(([key, unit, label, hint]) => (
                  <NumberField
                    key={key}
                    label={label}
                    description={hint}
                    step={unit === "ms" ? 100 : 1}
                    suffix={unit === "ms" ? " ms" : unit === "share" ? percentSign : undefined}
                    thousandSeparator={key === "undeliveredCode" ? false : undefined} // a name, and no amount
                    min={0}
                    max={unit === "share" ? 100 : undefined}
                    allowDecimal={unit === "share"}
                    {...form.getInputProps(key)}
                  />
                ))}
              </SimpleGrid>
            </Fieldset>
          ))}
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            {sandboxSwitches.map(([key, label, hint]) => (
              <Switch
                key={key}
                label={label}
                description={hint}
                disabled={props.disabled}
                {...form.getInputProps(key, { type: "checkbox" })}
              />
            ))}
          </SimpleGrid>
        </Stack>
        <Group justify="flex-end" mt="md">
          {form.isDirty() && <Text size="sm" c="dimmed">{t`Not applied yet.`}</Text>}
          <Button type="submit" disabled={props.disabled || !form.isDirty()} loading={fetching}>{t`Apply`}</Button>
        </Group>
      </form>
    </Section>
  );
}
