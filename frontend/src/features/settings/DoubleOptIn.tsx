import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Alert, Anchor, Badge, Button, Card, Group, MultiSelect, Select, Stack, Switch, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { NumberField } from "../../components/NumberField";
import { Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { DoubleOptInQuery } from "../../gql/graphql";
import { byField, payloadOf, settled } from "../../lib/errors";
import { languageName } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { formWidth } from "./SettingsTab";

graphql(`
  fragment OptInTemplate on Template {
    id
    name
    language
    category
    approvalStatus
  }
`);
const DoubleOptInDocument = graphql(`
  query DoubleOptIn {
    settings {
      revision
      doubleOptIn {
        expiresAfterHours
        templates {
          ...OptInTemplate
        }
        sender {
          id
          displayName
        }
      }
    }
    templates(first: 200) {
      nodes {
        ...OptInTemplate
      }
    }
    senders {
      id
      displayName
    }
  }
`);
const DoubleOptInUpdateDocument = graphql(`
  mutation DoubleOptInUpdate($input: SettingsUpdateInput!) {
    settingsUpdate(input: $input) {
      settings {
        revision
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Values = DoubleOptInQuery["settings"]["doubleOptIn"];

/** How people are asked on WhatsApp to confirm that they agreed. */
export function DoubleOptIn() {
  const [{ data, error }, load] = useQuery({ query: DoubleOptInDocument, requestPolicy: "cache-and-network" });
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={3} />;
  const { revision, doubleOptIn: values } = data.settings; // the revision grows with every form's save
  const saved = values && [values.templates.map((template) => template.id), values.sender.id, values.expiresAfterHours];
  return (
    <Card component="section" aria-label={t`Double opt-in`} maw={formWidth}>
      <DoubleOptInForm
        key={JSON.stringify(saved)} // and this form stays as it is when another one is saved
        values={values}
        revision={revision}
        templates={data.templates.nodes}
        senders={data.senders}
      />
    </Card>
  );
}

/** "pt" of a template in pt_BR: whoever speaks one gets the other. */
const languageOf = (template: { language: string } | undefined) => template?.language.split(/[_-]/)[0]?.toLowerCase();

function DoubleOptInForm(props: {
  values: Values;
  revision: number;
  templates: DoubleOptInQuery["templates"]["nodes"];
  senders: DoubleOptInQuery["senders"];
}) {
  const { values, senders } = props;
  const may = useMay("ADMIN");
  const hours = values?.expiresAfterHours ?? 72;
  const [on, setOn] = useState(values != null);
  const [chosen, setChosen] = useState<readonly string[]>(values?.templates.map((template) => template.id) ?? []);
  const [senderId, setSender] = useState(values?.sender.id ?? (senders.length === 1 ? senders[0]?.id : null) ?? null);
  const [unit, setUnit] = useState<1 | 24>(hours % 24 === 0 ? 24 : 1);
  const [within, setWithin] = useState<number | "">(hours / unit);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [{ fetching }, update] = useMutation(DoubleOptInUpdateDocument);
  const known = [...props.templates, ...(values?.templates ?? [])];
  const templateOf = (id: string) => known.find((template) => template.id === id);
  const languages = new Map(chosen.map((id) => [languageOf(templateOf(id)), id]));
  const right = (field: string) => setErrors(({ [field]: _, ...others }) => others);
  const choose = (ids: readonly string[]) => {
    setChosen(ids);
    right("templates");
  };
  const changed = on
    ? !values ||
      chosen.join() !== values.templates.map((template) => template.id).join() ||
      senderId !== values.sender.id ||
      within === "" ||
      within * unit !== values.expiresAfterHours
    : values != null;
  const save = async () => {
    const missing: Record<string, string> = {};
    if (on && chosen.length === 0) missing.templates = t`Choose at least one template`;
    if (on && !senderId) missing.sender = t`Choose who asks`;
    if (on && within === "") missing.within = t`Say how long, from 1 hour to 30 days`;
    setErrors(missing);
    if (Object.keys(missing).length > 0) return;
    const doubleOptIn =
      on && senderId && within !== "" ? { templateIds: [...chosen], senderId, expiresAfterHours: within * unit } : null;
    const result = await update({ input: { doubleOptIn, expectedVersion: props.revision } });
    const wrong = payloadOf(result.data)?.userErrors ?? [];
    if (wrong.length) {
      const { fields, rest } = byField(wrong, [
        "doubleOptIn.templateIds",
        "doubleOptIn.senderId",
        "doubleOptIn.expiresAfterHours",
      ]);
      return setErrors({
        ...(fields["doubleOptIn.templateIds"] ? { templates: fields["doubleOptIn.templateIds"] } : {}),
        ...(fields["doubleOptIn.senderId"] ? { sender: fields["doubleOptIn.senderId"] } : {}),
        ...(fields["doubleOptIn.expiresAfterHours"] ? { within: fields["doubleOptIn.expiresAfterHours"] } : {}),
        ...(rest ? { rest } : {}),
      });
    }
    if (settled(result)) notifications.show({ message: t`In force from now on`, color: "green" });
  };
  return (
    <Stack>
      <Switch
        label={t`Offer double opt-in`}
        description={t`When adding a contact, recording an opt-in, importing, or through the API`}
        checked={on}
        onChange={(e) => setOn(e.currentTarget.checked)}
        disabled={!may}
      />
      {on && (
        <>
          <div>
            <MultiSelect
              label={t`Templates`}
              description={t`Each asks a question that is answered with yes; one for each language. The first asks everybody whose language has none.`}
              placeholder={chosen.length === 0 ? t`Choose the question` : undefined}
              data={known
                .filter(
                  (template, i) =>
                    template.category !== "AUTHENTICATION" && known.findIndex((o) => o.id === template.id) === i,
                )
                .map((template) => ({
                  value: template.id,
                  label: `${template.name} (${languageName(template.language)})`,
                  disabled: (languages.get(languageOf(template)) ?? template.id) !== template.id,
                }))}
              renderOption={({ option }) => {
                const template = templateOf(option.value);
                return (
                  <Group justify="space-between" flex={1} gap="xs">
                    <span>{option.label}</span>
                    {template && <Status value={template.approvalStatus} />}
                  </Group>
                );
              }}
              value={[...chosen]}
              onChange={choose}
              searchable
              hidePickedOptions
              maxValues={40}
              nothingFoundMessage={t`No such template`}
              error={errors.templates}
              disabled={!may}
            />
            {chosen.length > 0 && (
              <Stack
                component="ol"
                gap={6}
                p={0}
                mt="xs"
                mb={0}
                style={{ listStyle: "none" }}
                aria-label={t`Questions`}
              >
                {chosen.map((id, i) => {
                  const template = templateOf(id);
                  return (
                    template && (
                      <Group key={id} component="li" gap="xs">
                        <Text size="sm">
                          <Link to="/templates/$id" params={{ id }} className="plain">
                            {template.name}
                          </Link>
                        </Text>
                        <Text size="sm" c="dimmed">
                          {languageName(template.language)}
                        </Text>
                        <Status value={template.approvalStatus} />
                        {i === 0 ? (
                          <Badge variant="light" tt="none">{t`First`}</Badge>
                        ) : (
                          may && (
                            <Button
                              size="compact-xs"
                              variant="subtle"
                              aria-label={t`Make ${template.name} (${languageName(template.language)}) the first one`}
                              onClick={() => choose([id, ...chosen.filter((o) => o !== id)])}
                            >{t`Make first`}</Button>
                          )
                        )}
                      </Group>
                    )
                  );
                })}
              </Stack>
            )}
            <Text size="sm" c="dimmed" mt="xs">
              <Trans>
                A question whose template is not approved yet waits for the approval.{" "}
                <Anchor
                  inherit
                  underline="always"
                  renderRoot={(p) => <Link {...p} to="/templates" />}
                >{t`Write a template`}</Anchor>
              </Trans>
            </Text>
          </div>
          <Select
            label={t`Sender`}
            description={t`Whoever wrote within 24 hours is asked from the number that they wrote to.`}
            placeholder={t`Who asks`}
            data={senders.map((s) => ({ value: s.id, label: s.displayName }))}
            value={senderId}
            onChange={(v) => {
              setSender(v);
              right("sender");
            }}
            error={errors.sender}
            disabled={!may}
            maw={340}
          />
          <Group align="flex-end" gap="xs" wrap="nowrap" maw={340}>
            <NumberField
              label={t`A yes counts for`}
              description={t`From 1 hour to 30 days`}
              min={1}
              max={720 / unit}
              allowDecimal={false}
              value={within}
              onChange={(v) => {
                setWithin(v === "" ? "" : Number(v));
                right("within");
              }}
              error={errors.within}
              disabled={!may}
              flex={1}
            />
            <Select
              aria-label={t`Unit`}
              data={[
                { value: "1", label: t`hours` },
                { value: "24", label: t`days` },
              ]}
              value={String(unit)}
              onChange={(v) => {
                const next = v === "1" ? 1 : 24; // and the time stays the same, in whole days
                if (within !== "") setWithin(Math.ceil((within * unit) / next));
                setUnit(next);
              }}
              allowDeselect={false}
              disabled={!may}
              w={104}
            />
          </Group>
        </>
      )}
      {errors.rest && (
        <Alert color="red" role="alert">
          {errors.rest}
        </Alert>
      )}
      <Group justify="flex-end">
        <Button onClick={save} loading={fetching} disabled={!may || !changed}>{t`Save`}</Button>
      </Group>
    </Stack>
  );
}
