import { t } from "@lingui/core/macro";
import {
  Alert,
  Fieldset,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  TextInput,
} from "@mantine/core";
import { useQuery } from "urql";
import { SearchSelect } from "../../components/SearchSelect";
import { TemplateMessageById } from "../../components/TemplateMessage";
import { Status } from "../../components/ui";
import type { CampaignEditQuery } from "../../gql/graphql";
import { count, decimal } from "../../lib/format";
import { SegmentChoicesDocument } from "../segments/choices";
import { TemplateChoicesDocument, templateText } from "../templates/choices";
import { useTopics } from "../topics/useTopics";
import { CapForm } from "./CapForm";
import type { Draft, Utm } from "./draft";
import { withSenders } from "./experiment";
import { GoalFields } from "./GoalFields";
import { SegmentDrawer, TemplateDrawer } from "./MakeHere";
import { VariantFields } from "./VariantFields";

export type StepProps = {
  draft: Draft;
  errors: Record<string, string>;
  onChange: (changed: Partial<Draft>) => void;
};

/** Who gets it. */
export function AudienceStep(props: StepProps) {
  const { draft: d, errors, onChange } = props;
  const topics = useTopics();
  return (
    <Stack>
      <TextInput
        label={t`Name`}
        description={t`For you and your colleagues`}
        value={d.name}
        onChange={(e) => onChange({ name: e.currentTarget.value })}
        error={errors.name}
        maxLength={150}
      />
      <SearchSelect
        document={SegmentChoicesDocument}
        label={t`Segment`}
        placeholder={t`Who gets it`}
        shown={(s) => `${s.name} · ${count(s.lastCount)}`}
        value={d.segmentId}
        onChange={(segmentId) => onChange({ segmentId })}
        error={errors.segmentId}
        nothingFoundMessage={t`No segment with that name`}
      />
      <SegmentDrawer onMade={(segmentId) => onChange({ segmentId })} />
      {topics.length > 0 && (
        <Select
          label={t`Topic`}
          description={t`Only its subscribers get it; empty: everybody in the segment`}
          placeholder={t`None`}
          searchable
          clearable
          data={topics}
          value={d.topicId}
          onChange={(topicId) => onChange({ topicId })}
          error={errors.topicId}
        />
      )}
      <NumberInput
        label={t`Holdout`}
        description={t`Part of the audience, drawn by chance, that gets nothing: the comparison with it tells what the campaign itself did. 0 to 50 %; empty: nobody`}
        suffix=" %"
        decimalScale={2}
        value={d.holdout}
        onChange={(holdout) => onChange({ holdout })}
        error={errors.holdoutPercent}
        w={340}
        maw="100%"
      />
    </Stack>
  );
}

/** The one wording of a campaign that compares none. */
function OneTemplate({ draft: d, errors, onChange }: StepProps) {
  const [{ data }] = useQuery({
    query: TemplateChoicesDocument,
    variables: { search: null, chosen: d.templateId ?? "", known: true },
    pause: !d.templateId,
  });
  const template = d.templateId && data?.chosen?.__typename === "Template" ? data.chosen : null;
  return (
    <>
      <SearchSelect
        document={TemplateChoicesDocument}
        label={t`Template`}
        description={t`Only what WhatsApp approved can go out`}
        shown={templateText}
        value={d.templateId}
        onChange={(templateId) => onChange({ templateId })}
        error={errors.templateId}
        nothingFoundMessage={t`No template of that name`}
      />
      <TemplateDrawer campaign={d.name} onMade={(templateId) => onChange({ templateId })} />
      {template && (
        <div className="paper-phone">
          <TemplateMessageById id={template.id} />
          <Group mt="sm">
            <Status value={template.approvalStatus} />
          </Group>
        </div>
      )}
    </>
  );
}

/** What they get, and from whom. */
export function MessageStep(props: StepProps & { senders: CampaignEditQuery["senders"] }) {
  const { draft: d, errors, onChange } = props;
  const senderName = (id: string) => props.senders.find((s) => s.id === id)?.displayName ?? t`sender`;
  return (
    <Stack>
      <VariantFields {...props} named={senderName}>
        <OneTemplate {...props} />
      </VariantFields>
      <MultiSelect
        label={d.senders.length > 1 ? t`Senders` : t`Sender`}
        description={
          d.senders.length > 1 ? t`Each contact hears from one of them; they share the audience by weight` : undefined
        }
        data={props.senders.map((s) => ({
          value: s.id,
          label: t`${s.displayName} · up to ${decimal(s.ratePerSecond)}/s`,
        }))}
        value={d.senders.map((s) => s.senderId)}
        onChange={(ids) =>
          onChange({
            variants: withSenders(d.variants, ids),
            senders: ids.map((id) => d.senders.find((s) => s.senderId === id) ?? { senderId: id, weight: 1 }),
          })
        }
        error={errors.senders}
      />
      {d.senders.length > 1 && (
        <Group>
          {d.senders.map((s) => (
            <NumberInput
              key={s.senderId}
              label={t`Weight of ${senderName(s.senderId)}`}
              min={1}
              max={100}
              value={s.weight}
              onChange={(v) =>
                onChange({
                  senders: d.senders.map((o) => (o.senderId === s.senderId ? { ...o, weight: Number(v) || 1 } : o)),
                })
              }
              w={220}
            />
          ))}
        </Group>
      )}
      <LinkFields {...props} />
      <GoalFields {...props} />
    </Stack>
  );
}

const utmLabels: Record<keyof Utm, string> = {
  source: t`Source (utm_source)`,
  medium: t`Medium (utm_medium)`,
  campaign: t`Campaign (utm_campaign)`,
};

/** Whether it counts who opens its links, and what the website behind them is told. */
function LinkFields({ draft: d, errors, onChange }: StepProps) {
  return (
    <>
      <Switch
        label={t`Count clicks`}
        description={t`For buttons with click tracking in the template. When it is off, their links work, but who opened them is not recorded`}
        checked={d.trackLinks}
        onChange={(e) => onChange({ trackLinks: e.currentTarget.checked })}
        error={errors.trackLinks}
      />
      <Fieldset legend={t`For your website's analytics`} variant="unstyled">
        <Text
          size="xs"
          c="dimmed"
        >{t`Added to the addresses of buttons with click tracking; leave a field empty to add nothing`}</Text>
        <SimpleGrid cols={{ base: 1, sm: 3 }} mt={4}>
          {(["source", "medium", "campaign"] as const).map((name) => (
            <TextInput
              key={name}
              label={utmLabels[name]}
              maxLength={100}
              value={d.utm[name]}
              onChange={(e) => onChange({ utm: { ...d.utm, [name]: e.currentTarget.value } })}
              error={errors[`utm.${name}`]}
            />
          ))}
        </SimpleGrid>
      </Fieldset>
    </>
  );
}

/** The pilot that is offered first. */
const firstPilot = 50;

/** How fast, until when, and what is kept clear of. */
export function ScheduleStep({ draft: d, errors, onChange }: StepProps) {
  const quiet = (changed: Partial<Draft["quiet"]>) => onChange({ quiet: { ...d.quiet, ...changed } });
  return (
    <Stack gap="xl">
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
          <NumberInput
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
          <NumberInput
            label={t`Auto-pause above failure rate`}
            description={t`Share of failed messages, once 100 went; empty: never`}
            suffix=" %"
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
            <NumberInput
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
