import { t } from "@lingui/core/macro";
import { Alert, Fieldset, Group, Stack, Switch, Text, TextInput } from "@mantine/core";
import { NumberField } from "../../components/NumberField";
import { percentSign } from "../../lib/format";
import type { StepProps } from "./AudienceStep";
import { CapForm } from "./CapForm";
import type { Draft } from "./draft";

/** The pilot that is offered first. */
const firstPilot = 50;

/** How fast, until when, and what is kept clear of. */
export function ScheduleStep({ draft: d, errors, onChange }: StepProps) {
  const quiet = (changed: Partial<Draft["quiet"]>) => onChange({ quiet: { ...d.quiet, ...changed } });
  return (
    <Stack gap="xl">
      <Text
        size="sm"
        c="dimmed"
      >{t`You choose when it starts after the review: at once, at a set time or on a schedule.`}</Text>
      <Fieldset legend={t`Hours`} variant="unstyled">
        <Stack mt="xs">
          <Switch
            label={t`Quiet hours`}
            description={t`Nothing is sent to people in these hours of their own time; their messages wait until the hours end`}
            checked={d.quiet.on}
            onChange={(e) => quiet({ on: e.currentTarget.checked })}
          />
          {d.quiet.on && (
            <Group>
              <TextInput
                label={t`From`}
                type="time"
                value={d.quiet.start}
                onChange={(e) => quiet({ start: e.currentTarget.value })}
              />
              <TextInput
                label={t`To`}
                type="time"
                value={d.quiet.end}
                onChange={(e) => quiet({ end: e.currentTarget.value })}
              />
            </Group>
          )}
          {errors.quietHours && <Alert color="red">{errors.quietHours}</Alert>}
          <Switch
            label={t`At each recipient's best hour`}
            description={t`It waits up to a day for the hour in which each recipient usually reads. Whoever has read too little to tell gets it when most of your contacts read. It goes at once where that is not known either, where waiting would leave too little time before the end, and to a pilot.`}
            checked={d.bestHour}
            onChange={(e) => onChange({ bestHour: e.currentTarget.checked })}
            error={errors.bestHour}
          />
          <TextInput
            label={t`Ends at`}
            description={t`What has not gone by then expires; empty: no end`}
            type="datetime-local"
            value={d.ends}
            onChange={(e) => onChange({ ends: e.currentTarget.value })}
            error={errors.endsAt}
            w={340}
            maw="100%"
          />
        </Stack>
      </Fieldset>
      <Fieldset legend={t`Pace`} variant="unstyled">
        <Stack mt="xs">
          <NumberField
            label={t`Messages a second`}
            description={t`0.01 to 2,000; empty: as fast as the sender allows`}
            value={d.rate}
            onChange={(rate) => onChange({ rate })}
            error={errors.rateLimitPerSecond}
            w={340}
            maw="100%"
          />
          <Switch
            label={t`Frequency cap`}
            description={t`Who had that many messages of any campaign lately is skipped`}
            checked={d.capped}
            onChange={(e) => onChange({ capped: e.currentTarget.checked })}
          />
          {d.capped && <CapForm value={d.cap} onChange={(cap) => onChange({ cap })} error={errors.frequencyCap} />}
        </Stack>
      </Fieldset>
      <Fieldset legend={t`Safeguards`} variant="unstyled">
        <Stack mt="xs">
          <NumberField
            label={t`Auto-pause above failure rate`}
            description={t`Share of failed messages, once 100 went; empty: never`}
            suffix={percentSign}
            value={d.threshold}
            onChange={(threshold) => onChange({ threshold })}
            error={errors.errorThreshold}
            w={340}
            maw="100%"
          />
          <Switch
            label={t`Pilot`}
            description={t`The first recipients get it, then it pauses for you to look; you send it to the others by hand`}
            checked={d.pilot !== ""}
            onChange={(e) => onChange({ pilot: e.currentTarget.checked ? firstPilot : "" })}
          />
          {d.pilot !== "" && (
            <NumberField
              label={t`Recipients of the pilot`}
              description={t`1 to 10,000; exactly so many are written to`}
              min={1}
              max={10_000}
              value={d.pilot}
              onChange={(pilot) => onChange({ pilot: pilot === "" ? firstPilot : pilot })}
              error={errors.pilot}
              w={340}
              maw="100%"
            />
          )}
          <TextInput
            label={t`Budget`}
            description={t`The most that it may cost, in the currency of your prices; it pauses before more is spent. Empty: no limit`}
            inputMode="decimal"
            placeholder={t`No limit`}
            value={d.budget}
            onChange={(e) => onChange({ budget: e.currentTarget.value })}
            error={errors.budget}
            w={340}
            maw="100%"
          />
          <Switch
            label={t`Send it to the team, too`}
            description={t`As it starts, each of the team numbers in Settings gets a copy of its own, outside the campaign's numbers`}
            checked={d.sendToTeam}
            onChange={(e) => onChange({ sendToTeam: e.currentTarget.checked })}
          />
        </Stack>
      </Fieldset>
    </Stack>
  );
}
