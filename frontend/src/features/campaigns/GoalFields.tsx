import { t } from "@lingui/core/macro";
import { Alert, Fieldset, Group, Stack, Switch, Text, TextInput } from "@mantine/core";
import { NumberField } from "../../components/NumberField";
import type { GoalEvent } from "../../gql/graphql";
import type { StepProps } from "./AudienceStep";
import { firstGoal, type Goal } from "./experiment";

const events: { event: GoalEvent; label: string; description: string }[] = [
  { event: "CLICK", label: t`A click`, description: t`Opens a tracked link, or taps a button that answers` },
  { event: "REPLY", label: t`A reply`, description: t`Writes back` },
];

/** What should happen after a message. */
export function GoalFields({ draft: d, errors, onChange }: StepProps) {
  // By a goal that is gone nothing can be compared.
  const set = (goals: Goal[]) =>
    onChange({
      goals,
      ...(goals.length === 0 && d.test.metric === "GOAL" && { test: { ...d.test, metric: "READ" } }),
    });
  const change = (event: GoalEvent, changed: Partial<Goal>) =>
    set(d.goals.map((g) => (g.event === event ? { ...g, ...changed } : g)));
  return (
    <Fieldset legend={t`Goal`} variant="unstyled">
      <Text
        size="xs"
        c="dimmed"
      >{t`What people should do within some hours of the delivery. It is counted on the campaign's page; the first one set is what variants can be compared by.`}</Text>
      <Stack gap="sm" mt="xs">
        {events.map(({ event, label, description }) => {
          const goal = d.goals.find((g) => g.event === event);
          return (
            <div key={event}>
              <Switch
                label={label}
                description={description}
                checked={goal !== undefined}
                onChange={(e) =>
                  set(
                    e.currentTarget.checked ? [...d.goals, firstGoal(event)] : d.goals.filter((g) => g.event !== event),
                  )
                }
              />
              {goal && (
                <Group align="flex-start" mt="xs">
                  <NumberField
                    label={t`Within hours`}
                    aria-label={t`${label}: within hours`}
                    description={t`1 to 168`}
                    allowDecimal={false}
                    value={goal.hours}
                    onChange={(v) => change(event, { hours: v })}
                    error={errors["goals.withinHours"]}
                    w={160}
                  />
                  <TextInput
                    label={t`Value`}
                    aria-label={t`${label}: value`}
                    description={t`In the currency of your prices; empty: none`}
                    inputMode="decimal"
                    value={goal.value}
                    onChange={(e) => change(event, { value: e.currentTarget.value })}
                    error={errors["goals.value"]}
                    w={260}
                  />
                </Group>
              )}
            </div>
          );
        })}
      </Stack>
      {errors.goals && <Alert color="red">{errors.goals}</Alert>}
    </Fieldset>
  );
}
