import { t } from "@lingui/core/macro";
import { ActionIcon, Alert, Button, Fieldset, Group, Select, SimpleGrid, Stack, Switch, Text } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { NumberField } from "../../components/NumberField";
import { SearchSelect } from "../../components/SearchSelect";
import { TemplateMessageById } from "../../components/TemplateMessage";
import { scrollable } from "../../components/ui";
import { percent, percentSign } from "../../lib/format";
import { TemplateChoicesDocument, templateText } from "../templates/choices";
import type { StepProps } from "./AudienceStep";
import {
  fewestVariants,
  labelOf,
  metricLabels,
  metrics,
  mostVariants,
  newVariant,
  partsOf,
  type Test,
  type Variant,
  variantsComplete,
} from "./experiment";
import { TemplateDrawer } from "./MakeHere";

type VariantProps = StepProps & { named: (senderId: string) => string };

/** One wording, which is the children, or several that are compared. */
export function VariantFields(props: VariantProps & { children: ReactNode }) {
  const { draft: d, onChange } = props;
  const compares = d.variants.length > 0;
  const begin = () =>
    onChange({
      variants: [newVariant(d.templateId), newVariant()],
    });
  const end = () => onChange({ variants: [], templateId: d.variants[0]?.templateId ?? null });
  return (
    <>
      <Switch
        label={t`Compare variants`}
        description={t`Parts of the audience, drawn by chance, get different messages; the figures tell which does best`}
        checked={compares}
        onChange={(e) => (e.currentTarget.checked ? begin() : end())}
      />
      {compares ? <Variants {...props} /> : props.children}
    </>
  );
}

function Variants({ draft: d, errors, onChange, named }: VariantProps) {
  const all = d.variants;
  const parts = partsOf(all);
  const set = (variants: Variant[]) => onChange({ variants });
  const change = (at: number, changed: Partial<Variant>) =>
    set(all.map((v, i) => (i === at ? { ...v, ...changed } : v)));
  const empty = all.findIndex((v) => v.templateId === null);
  const made = (templateId: string) =>
    empty < 0 ? set([...all, newVariant(templateId)]) : change(empty, { templateId });
  return (
    <>
      {all.map((v, i) => (
        <Fieldset key={i} legend={t`Variant ${labelOf(i)}`}>
          <Stack gap="sm">
            <Group align="flex-end" wrap="nowrap" gap="sm">
              <SearchSelect
                document={TemplateChoicesDocument}
                label={t`Template`}
                shown={templateText}
                value={v.templateId}
                onChange={(templateId) => change(i, { templateId })}
                error={v.templateId === null && Boolean(errors.variants)} // its words stand below
                nothingFoundMessage={t`No template of that name`}
                openOnFocus={false}
                flex={1}
                miw={0}
              />
              {all.length > fewestVariants && (
                <ActionIcon
                  variant="default"
                  size={36}
                  aria-label={t`Remove variant ${labelOf(i)}`}
                  onClick={() => set(all.filter((_, j) => j !== i))}
                >
                  <IconX size={16} />
                </ActionIcon>
              )}
            </Group>
            <Group align="flex-end" gap="sm">
              <NumberField
                label={t`Weight`}
                min={1}
                max={100}
                allowDecimal={false}
                value={v.weight}
                onChange={(w) => change(i, { weight: Number(w) || 1 })}
                w={110}
              />
              <Text size="sm" c="dimmed" pb={8}>{t`${percent(parts[i] ?? 0)} of the test`}</Text>
            </Group>
            {(d.senders.length > 1 || v.senderId) && (
              <Select
                label={t`Sender`}
                placeholder={t`All of them, by weight`}
                clearable
                data={d.senders.map((s) => ({ value: s.senderId, label: named(s.senderId) }))}
                value={v.senderId}
                onChange={(senderId) => change(i, { senderId })}
              />
            )}
            {v.templateId && (
              // As high while it loads as when it is there, so that what stands below stays where it is.
              <div className="paper-phone variant-preview" {...scrollable(t`Preview of variant ${labelOf(i)}`)}>
                <TemplateMessageById id={v.templateId} />
              </div>
            )}
          </Stack>
        </Fieldset>
      ))}
      {errors.variants && <Alert color="red">{errors.variants}</Alert>}
      {!variantsComplete(d) && (
        <Text size="sm" c="dimmed">{t`The variants are saved when each has its template.`}</Text>
      )}
      <Group>
        {all.length < mostVariants && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} />}
            onClick={() => set([...all, newVariant()])}
          >{t`Add a variant`}</Button>
        )}
        {(empty >= 0 || all.length < mostVariants) && <TemplateDrawer campaign={d.name} onMade={made} />}
      </Group>
      <TestFields draft={d} errors={errors} onChange={onChange} />
    </>
  );
}

/** By what the variants are compared, with whom, and when the best goes to the others. */
function TestFields({ draft: d, errors, onChange }: StepProps) {
  const { test } = d;
  const set = (changed: Partial<Test>) => onChange({ test: { ...test, ...changed } });
  const waits = Number(test.percent) < 100;
  return (
    <Fieldset legend={t`Test`}>
      <Stack gap="sm">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Select
            label={t`Compare by`}
            description={t`The share of those it was sent to`}
            allowDeselect={false}
            data={metrics.map((m) => ({ value: m, label: metricLabels[m], disabled: m === "GOAL" && !d.goals.length }))}
            value={test.metric}
            onChange={(metric) => metric && set({ metric })}
            error={errors["variantTest.metric"]}
          />
          <NumberField
            label={t`Part of the audience`}
            description={t`Takes part in the test; the others wait for the winner`}
            suffix={percentSign}
            decimalScale={2}
            value={test.percent}
            onChange={(v) => set({ percent: v })}
            error={errors["variantTest.percent"]}
          />
        </SimpleGrid>
        {waits ? (
          <>
            <NumberField
              label={t`Send the best one after`}
              description={t`Hours after the last message of the test; empty: not by time`}
              decimalScale={4}
              value={test.hours}
              onChange={(v) => set({ hours: v })}
              error={errors["variantTest.afterMinutes"]}
              w={340}
              maw="100%"
            />
            <Switch
              label={t`As soon as it is certain`}
              description={t`When one is shown to be better than all others, with 95% confidence`}
              checked={test.whenSure}
              onChange={(e) => set({ whenSure: e.currentTarget.checked })}
            />
            {test.hours === "" && !test.whenSure && (
              <Text size="sm">{t`You choose on the campaign's page which variant goes to the others.`}</Text>
            )}
          </>
        ) : (
          <Text size="sm" c="dimmed">{t`Everybody takes part: nobody waits, and no winner is sent.`}</Text>
        )}
        {errors.variantTest && <Alert color="red">{errors.variantTest}</Alert>}
      </Stack>
    </Fieldset>
  );
}
