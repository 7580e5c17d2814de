import { t } from "@lingui/core/macro";
import { Fieldset, Group, MultiSelect, SimpleGrid, Stack, Switch, Text, TextInput } from "@mantine/core";
import { NumberField } from "../../components/NumberField";
import { SearchSelect } from "../../components/SearchSelect";
import { TemplateMessageById } from "../../components/TemplateMessage";
import { Status } from "../../components/ui";
import type { CampaignEditQuery } from "../../gql/graphql";
import { decimal } from "../../lib/format";
import { TemplateChoicesDocument, templateText, useChosenTemplate } from "../templates/choices";
import type { StepProps } from "./AudienceStep";
import type { Utm } from "./draft";
import { withSenders } from "./experiment";
import { GoalFields } from "./GoalFields";
import { TemplateDrawer } from "./MakeHere";
import { VariantFields } from "./VariantFields";

/** The one wording of a campaign that compares none. */
function OneTemplate({ draft: d, errors, onChange }: StepProps) {
  const { template } = useChosenTemplate(d.templateId);
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
        openOnFocus={false} // which comes by an error, too: the list would cover it
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
            <NumberField
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
