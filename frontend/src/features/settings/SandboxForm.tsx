import { t } from "@lingui/core/macro";
import { Button, Fieldset, Group, SimpleGrid, Stack, Switch, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "urql";
import { NumberField } from "../../components/NumberField";
import { graphql } from "../../gql";
import type { SandboxSettingsQuery } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { percentSign } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { Section } from "./Section";

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
type Answer = NonNullable<SandboxSettingsQuery["sandboxSettings"]>;
type Settings = Omit<Answer, "__typename">;
type SandboxKey = keyof Settings;
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
      ["portfolioLimit", "none", t`People per day`, t`Outside windows; 0: no limit`],
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
/** Settings with their shares written otherwise: in percent as they are shown, or as the API has them. */
const withShares = (values: Settings, write: (share: number) => string) =>
  Object.fromEntries(
    Object.entries(values).map(([key, v]) => [key, isShare(key) ? Number(write(Number(v))) : v]),
  ) as Settings;
const shown = (values: Settings) => withShares(values, (share) => (share * 100).toFixed(4));
const meant = (values: Settings) => withShares(values, (percent) => (percent / 100).toFixed(6));

export function SandboxForm(props: { values: Answer; disabled: boolean }) {
  const { __typename: _, ...initial } = props.values as typeof props.values & { __typename?: string };
  const [{ fetching }, update] = useMutation(SandboxUpdateDocument);
  const form = useForm({ initialValues: shown(initial) });
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
              onClick={() => form.setValues(day.set as Partial<Settings>)}
            >
              {day.label}
            </Button>
          ))}
        </Group>
      }
    >
      <form
        onSubmit={form.onSubmit(async (v) => {
          if (settled(await update({ input: meant(v) })))
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
