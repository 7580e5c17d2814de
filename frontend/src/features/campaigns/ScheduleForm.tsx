import { t } from "@lingui/core/macro";
import { Alert, Button, Checkbox, Chip, Group, SegmentedControl, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { NumberField } from "../../components/NumberField";
import { graphql } from "../../gql";
import type { CampaignScheduleInput, Frequency, Weekday } from "../../gql/graphql";
import { errorText, payloadOf, sentences } from "../../lib/errors";
import { localInput, moment, momentOf, noMoment } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { zoneName } from "../../lib/zone";
import { waitsForApproval } from "./outcome";
import { type Plan, weekdays } from "./schedule";

graphql(`
  fragment CampaignPlan on Campaign {
    schedule {
      at
      local {
        date
        time
      }
      recurrence {
        frequency
        time
        zone
        local
        days
        dayOfMonth
        until
        runs
      }
    }
  }
`);

const CampaignScheduleDocument = graphql(`
  mutation CampaignSchedule($input: CampaignScheduleInput!) {
    campaignSchedule(input: $input) {
      campaign {
        id
        status
        nextRunAt
        ...CampaignPlan
        ...ApprovalState
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const zones = Intl.supportedValuesOf("timeZone");

/** The next full hour but one: what a new plan begins with. */
const soon = () => new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 3_600_000);

/** When a campaign starts by itself: once, or recurring. */
export function ScheduleForm(props: { id: string; plan?: Plan | null; onDone: () => void }) {
  const before = props.plan?.recurrence;
  const [kind, setKind] = useState(before ? "again" : "once");
  const [began] = useState(() => props.plan?.at ?? soon().toISOString());
  const [at, setAt] = useState(() => {
    const l = props.plan?.local;
    return l ? `${l.date}T${l.time}` : localInput(new Date(began));
  });
  const [local, setLocal] = useState(Boolean(props.plan?.local ?? before?.local));
  const [frequency, setFrequency] = useState<Frequency>(before?.frequency ?? "WEEKLY");
  const [time, setTime] = useState(before?.time ?? "09:00");
  const [zone, setZone] = useState(before?.zone ?? zoneName());
  const [days, setDays] = useState<string[]>(before?.days.length ? [...before.days] : ["MON"]);
  const [dayOfMonth, setDayOfMonth] = useState<number>(before?.dayOfMonth ?? 1);
  const [runs, setRuns] = useState<number | "">(before?.runs ?? "");
  const [problem, setProblem] = useState("");
  const [{ fetching }, schedule] = useMutation(CampaignScheduleDocument);
  const save = async () => {
    const input: CampaignScheduleInput = { id: props.id };
    if (kind === "once") {
      const start = at ? momentOf(at, began) : null;
      if (start === undefined) return setProblem(noMoment(at));
      if (start && Date.parse(start) < Date.now())
        return setProblem(t`This moment has passed. Choose one that is still to come.`);
      if (local && start) input.local = { date: at.slice(0, 10), time: at.slice(11, 16) };
      else input.at = start;
    } else
      input.recurrence = {
        frequency,
        time,
        zone,
        local,
        days: frequency === "WEEKLY" ? (days as Weekday[]) : [],
        dayOfMonth: frequency === "MONTHLY" ? dayOfMonth : null,
        runs: runs === "" ? null : runs,
        until: before?.until ?? null,
      };
    const result = await schedule({ input });
    if (result.error) return setProblem(errorText(result.error));
    const errors = payloadOf(result.data)?.userErrors ?? [];
    if (errors.length) return setProblem(sentences(errors));
    const planned = result.data?.campaignSchedule.campaign;
    const next = moment(planned?.nextRunAt);
    notifications.show(
      planned && waitsForApproval(planned)
        ? { message: t`Starts ${next}, if it is approved by then`, color: "yellow" }
        : { message: t`Starts ${next}`, color: "green" },
    );
    props.onDone();
  };
  const everywhere = (
    <Checkbox
      label={t`At each recipient's local time`}
      description={t`Everybody gets it when their own clocks show this time: by their time zone, else by their number. The segment is taken when it is that time in the first zone, up to a day before yours.`}
      checked={local}
      onChange={(e) => setLocal(e.currentTarget.checked)}
    />
  );
  return (
    <Stack onChange={() => setProblem("")}>
      {problem && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      <SegmentedControl
        aria-label={t`How often`}
        value={kind}
        onChange={(v) => {
          setKind(v);
          setProblem("");
        }}
        data={[
          { value: "once", label: t`Once` },
          { value: "again", label: t`Recurring` },
        ]}
      />
      {kind === "once" ? (
        <>
          <TextInput
            label={t`Starts at`}
            description={local ? t`Each recipient's time` : t`Time of ${zoneName()}`}
            type="datetime-local"
            value={at}
            onChange={(e) => setAt(e.currentTarget.value)}
          />
          {everywhere}
          {local && Date.parse(`${at}:00+14:00`) < Date.now() && (
            <Alert color="yellow">{t`That time has passed already in some places. It starts at once, and whoever's time has passed gets it right away.`}</Alert>
          )}
        </>
      ) : (
        <>
          <Group grow align="flex-end">
            <Select
              label={t`Every`}
              data={[
                { value: "DAILY", label: t`Day` },
                { value: "WEEKLY", label: t`Week` },
                { value: "MONTHLY", label: t`Month` },
              ]}
              value={frequency}
              onChange={(v) => v && setFrequency(v)}
              allowDeselect={false}
            />
            <TextInput label={t`At`} type="time" value={time} onChange={(e) => setTime(e.currentTarget.value)} />
          </Group>
          {frequency === "WEEKLY" && (
            <Chip.Group multiple value={days} onChange={setDays}>
              <Group gap={6}>
                {weekdays.map((d) => (
                  <Chip key={d.value} value={d.value} size="sm">
                    {d.label}
                  </Chip>
                ))}
              </Group>
            </Chip.Group>
          )}
          {frequency === "MONTHLY" && (
            <NumberField
              label={t`Day of the month`}
              description={t`Shorter months: their last day`}
              min={1}
              max={31}
              value={dayOfMonth}
              onChange={(v) => setDayOfMonth(Number(v))}
            />
          )}
          {everywhere}
          {!local && (
            <Select
              label={t`Time zone`}
              searchable
              data={zones.includes(zone) ? zones : [zone, ...zones]}
              value={zone}
              onChange={(v) => v && setZone(v)}
              allowDeselect={false}
            />
          )}
          <NumberField
            label={t`How many times`}
            description={t`Empty: until it is canceled`}
            min={1}
            max={1000}
            value={runs}
            onChange={(v) => setRuns(v === "" ? "" : Number(v))}
          />
        </>
      )}
      <Group justify="flex-end">
        <Button onClick={save} loading={fetching}>{t`Schedule`}</Button>
      </Group>
    </Stack>
  );
}
