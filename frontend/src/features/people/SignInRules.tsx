import { t } from "@lingui/core/macro";
import { Button, Card, Checkbox, Group, Stack, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery } from "urql";
import { Failed } from "../../components/Failed";
import { NumberField } from "../../components/NumberField";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { Role, SignInRulesQuery } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { notifications } from "../../lib/notifications";
import { formWidth } from "../settings/SettingsTab";

const RulesDocument = graphql(`
  query SignInRules {
    settings {
      revision
      secondFactorRoles
      sessionIdleHours
    }
  }
`);
const UpdateDocument = graphql(`
  mutation SignInRulesUpdate($input: SettingsUpdateInput!) {
    settingsUpdate(input: $input) {
      settings {
        revision
        secondFactorRoles
        sessionIdleHours
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** What is asked of everybody's sign-in. */
export function SignInRules() {
  const [{ data, error }, load] = useQuery({ query: RulesDocument });
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={3} />;
  const { revision, ...settings } = data.settings; // the revision grows with every form's save, and this one stays then
  return <Rules key={JSON.stringify(settings)} settings={settings} revision={revision} />;
}

function Rules(props: { settings: Omit<SignInRulesQuery["settings"], "revision">; revision: number }) {
  const [{ fetching }, update] = useMutation(UpdateDocument);
  const form = useForm({
    initialValues: {
      secondFactorRoles: props.settings.secondFactorRoles as Role[],
      sessionIdleHours: props.settings.sessionIdleHours as number | string,
    },
  });
  return (
    <Card maw={formWidth}>
      <Title order={2} size="h4" mb="sm">{t`Signing in`}</Title>
      <form
        onSubmit={form.onSubmit(async (v) => {
          const result = await update({
            input: { ...v, sessionIdleHours: Number(v.sessionIdleHours), expectedVersion: props.revision },
          });
          const errors = result.data?.settingsUpdate.userErrors ?? [];
          if (errors.length) return form.setErrors(byField(errors, ["secondFactorRoles", "sessionIdleHours"]).fields);
          if (settled(result)) notifications.show({ message: t`In force from now on`, color: "green" });
        })}
      >
        <Stack>
          <Checkbox.Group
            label={t`Two-step sign-in is required for`}
            description={t`Anyone without it is asked to set it up at once`}
            {...form.getInputProps("secondFactorRoles")}
          >
            <Group mt="xs">
              <Checkbox value="ADMIN" label={t`Admins`} />
              <Checkbox value="MARKETER" label={t`Marketers`} />
              <Checkbox value="VIEWER" label={t`Viewers`} />
            </Group>
          </Checkbox.Group>
          <NumberField
            label={t`Sign out after this many hours of inactivity`}
            description={t`1 to 336 hours. Every sign-in ends after 336 hours.`}
            min={1}
            max={336}
            maw={320}
            {...form.getInputProps("sessionIdleHours")}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={fetching} disabled={!form.isDirty()}>{t`Save`}</Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
