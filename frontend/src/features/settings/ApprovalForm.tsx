import { t } from "@lingui/core/macro";
import { Alert, Button, Card, Group, Select, Stack, Switch, Text, Title } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { NumberField } from "../../components/NumberField";
import { graphql } from "../../gql";
import type { LimitsQuery } from "../../gql/graphql";
import { byField, payloadOf, settled } from "../../lib/errors";
import { notifications } from "../../lib/notifications";

const ApprovalRuleUpdateDocument = graphql(`
  mutation ApprovalRuleUpdate($input: SettingsUpdateInput!) {
    settingsUpdate(input: $input) {
      settings {
        revision
        campaignApproval {
          role
          aboveRecipients
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** Whether a second person has to approve campaigns, who may, and from which size on. */
export function ApprovalForm(props: { rule: LimitsQuery["settings"]["campaignApproval"]; revision: number }) {
  const may = useMay("ADMIN");
  const [on, setOn] = useState(props.rule != null);
  const [role, setRole] = useState<"MARKETER" | "ADMIN">(props.rule?.role === "ADMIN" ? "ADMIN" : "MARKETER");
  const [above, setAbove] = useState<number | string>(props.rule?.aboveRecipients || "");
  const [errors, setErrors] = useState<ReturnType<typeof byField>>({ fields: {}, rest: "" });
  const [{ fetching }, update] = useMutation(ApprovalRuleUpdateDocument);
  const { rule } = props;
  const changed = on
    ? role !== rule?.role || (Number(above) || 0) !== rule.aboveRecipients // where there is no rule, it has no role
    : rule != null;
  const save = async () => {
    setErrors({ fields: {}, rest: "" });
    const campaignApproval = on ? { role, aboveRecipients: Number(above) || 0 } : null;
    const result = await update({ input: { campaignApproval, expectedVersion: props.revision } });
    const wrong = payloadOf(result.data)?.userErrors ?? [];
    if (wrong.length) return setErrors(byField(wrong, ["campaignApproval.role", "campaignApproval.aboveRecipients"]));
    if (settled(result)) notifications.show({ message: t`In force from now on`, color: "green" });
  };
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`Approval of campaigns`}</Title>
      <Stack>
        <Switch
          label={t`A campaign must be approved by a second person`}
          description={t`Whoever launches or schedules a campaign asks for it, also over the API. It is never given by the same person, nor by whoever changed the campaign last.`}
          checked={on}
          onChange={(e) => setOn(e.currentTarget.checked)}
          disabled={!may}
        />
        {on && (
          <>
            <Select
              label={t`Who may approve`}
              data={[
                { value: "MARKETER", label: t`Marketers and admins` },
                { value: "ADMIN", label: t`Admins only` },
              ]}
              value={role}
              onChange={(v) => setRole(v === "ADMIN" ? "ADMIN" : "MARKETER")}
              allowDeselect={false}
              error={errors.fields["campaignApproval.role"]}
              disabled={!may}
            />
            <NumberField
              label={t`Only for more contacts than`}
              description={t`By the size of the audience; empty: every campaign`}
              min={0}
              max={100_000_000}
              allowDecimal={false}
              value={above}
              onChange={setAbove}
              error={errors.fields["campaignApproval.aboveRecipients"]}
              disabled={!may}
            />
          </>
        )}
        {props.rule && !on && (
          <Text size="sm" c="dimmed">
            {t`Scheduled campaigns that wait for approval then start at their time, or at once where it has passed.`}
          </Text>
        )}
        {errors.rest && (
          <Alert color="red" role="alert">
            {errors.rest}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button onClick={save} loading={fetching} disabled={!may || !changed}>{t`Save approval`}</Button>
        </Group>
      </Stack>
    </Card>
  );
}
