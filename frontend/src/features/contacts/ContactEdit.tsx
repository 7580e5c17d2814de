import { t } from "@lingui/core/macro";
import { Alert, Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { Dialog } from "../../components/Dialog";
import { graphql } from "../../gql";
import { byField, errorText, payloadOf } from "../../lib/errors";
import { AttributeFields } from "../attributes/AttributeFields";
import { changesOf, editedOf } from "../attributes/edit";
import type { Attribute } from "../attributes/useAttributes";

const ContactUpdateDocument = graphql(`
  mutation ContactUpdate($input: ContactUpdateInput!) {
    contactUpdate(input: $input) {
      contact {
        id
        revision
        name
        locale
        timeZone
        timeZoneSource
        attributes
        tags
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Contact = {
  id: string;
  revision: number;
  name: string;
  locale: string;
  timeZone?: string | null;
  timeZoneSource: string;
  attributes: unknown;
};

const zones = Intl.supportedValuesOf("timeZone");

/** What people set of a contact. */
export function ContactEdit(props: { contact: Contact; known: readonly Attribute[]; onClose: () => void }) {
  const { contact: c, known, onClose } = props;
  const before = c.attributes as Record<string, unknown>;
  const [first] = useState(() => editedOf(before, known));
  const [attributes, setAttributes] = useState(first);
  const [name, setName] = useState(c.name);
  const [locale, setLocale] = useState(c.locale);
  const [zone, setZone] = useState(c.timeZoneSource === "DECLARED" ? (c.timeZone ?? null) : null);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [{ fetching }, update] = useMutation(ContactUpdateDocument);
  const save = async () => {
    const input = {
      id: c.id,
      name,
      locale,
      timeZone: zone ?? "",
      attributes: changesOf(before, first, attributes),
      expectedVersion: c.revision,
    };
    const result = await update({ input });
    if (result.error) return setErrors({ rest: errorText(result.error) });
    const { fields, rest } = byField(payloadOf(result.data)?.userErrors ?? [], ["name", "locale", "timeZone"]);
    setErrors({ ...fields, ...(rest ? { rest } : {}) });
    if (!rest && Object.keys(fields).length === 0) onClose();
  };
  return (
    <Dialog opened onClose={onClose} title={t`Edit contact`}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save();
        }}
      >
        <Stack>
          {errors.rest && (
            <Alert color="red" role="alert">
              {errors.rest}
            </Alert>
          )}
          <TextInput
            label={t`Name`}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            error={errors.name}
            data-autofocus
          />
          <Select
            label={t`Time zone`}
            description={t`Empty: taken from the number`}
            placeholder={t`Europe/Berlin`}
            searchable
            clearable
            limit={50}
            data={zone && !zones.includes(zone) ? [zone, ...zones] : zones}
            value={zone}
            onChange={setZone}
            error={errors.timeZone}
          />
          <TextInput
            label={t`Language`}
            description={t`Such as de or pt-BR`}
            placeholder={t`de`}
            value={locale}
            onChange={(e) => setLocale(e.currentTarget.value)}
            error={errors.locale}
          />
          <AttributeFields value={attributes} known={known} onChange={setAttributes} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t`Cancel`}</Button>
            <Button type="submit" loading={fetching}>{t`Save`}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
