import { t } from "@lingui/core/macro";
import { Button, Card, Group, Select, Stack, Table, Text, Textarea, TextInput } from "@mantine/core";
import { IconListDetails, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { Empty, LinkButton, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { AttributeType } from "../../gql/graphql";
import { byField, errorText } from "../../lib/errors";
import { sentence } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { SettingsTab } from "../settings/SettingsTab";
import { type Attribute, useAttributesQuery } from "./useAttributes";
import { misfits, samplesText, share, typeNames } from "./value";

const AttributeUpdateDocument = graphql(`
  mutation AttributeUpdate($input: AttributeUpdateInput!) {
    attributeUpdate(input: $input) {
      attributeKey {
        key
        name
        type
        description
        revision
        types
        coverage
        samples
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** The attributes of contacts: what they are called, what they hold, and how many contacts have them. */
export function AttributesPage() {
  const may = useMay("MARKETER");
  const { attributes, error, again } = useAttributesQuery();
  const [search, setSearch] = useState("");
  const [edited, edit] = useState<Attribute | null>(null);
  const wanted = search.trim().toLowerCase();
  const shown = attributes?.filter((a) =>
    [a.name, a.key, a.description].some((text) => text.toLowerCase().includes(wanted)),
  );
  return (
    <SettingsTab title={t`Attributes`} description={t`What you know about contacts; imports bring new ones`}>
      {edited && <AttributeForm key={edited.key} attribute={edited} onClose={() => edit(null)} />}
      {error && !attributes ? (
        <Failed error={error} retry={again} />
      ) : !shown || !attributes ? (
        <Rows />
      ) : attributes.length === 0 ? (
        <Empty
          icon={<IconListDetails />}
          title={t`No attributes yet`}
          action={may && <LinkButton to="/contacts/import">{t`Import contacts`}</LinkButton>}
        >{t`Each column of a file that is no name or number becomes an attribute, such as a city or a birthday.`}</Empty>
      ) : (
        <>
          <TextInput
            aria-label={t`Search attributes`}
            placeholder={t`Search by name`}
            leftSection={<IconSearch size={16} />}
            value={search}
            onChange={(e) => setSearch(e.currentTarget.value)}
            w={{ base: "100%", xs: 320 }}
          />
          {shown.length === 0 ? (
            <Text c="dimmed" ta="center">{t`No attribute matches.`}</Text>
          ) : (
            <Card padding={0}>
              <Table className="cards">
                <Table.Thead>
                  <Table.Tr>
                    {[t`Name`, t`Type`, t`Contacts`, t`Examples`, ""].map((h) => (
                      <Table.Th key={h} aria-label={h || t`Actions`}>
                        {h}
                      </Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {shown.map((a) => (
                    <Table.Tr key={a.key}>
                      <Table.Td data-label={t`Name`} maw={{ sm: 340 }}>
                        <Text dir="auto" size="sm" fw={550}>
                          {a.name}
                        </Text>
                        <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
                          {a.key}
                        </Text>
                        {a.description && (
                          <Text dir="auto" size="xs" c="dimmed" mt={2}>
                            {a.description}
                          </Text>
                        )}
                      </Table.Td>
                      <Table.Td data-label={t`Type`}>
                        {typeNames[a.type]}
                        {misfits(a.type, a.types).length > 0 && (
                          <Text
                            size="xs"
                            c="yellow"
                          >{t`Some values are ${misfits(a.type, a.types).join(", ")}: conditions do not find them`}</Text>
                        )}
                      </Table.Td>
                      <Table.Td data-label={t`Contacts`}>
                        {a.coverage ? share(a.coverage) : <Text span size="sm" c="dimmed">{t`Few or none`}</Text>}
                      </Table.Td>
                      <Table.Td data-label={t`Examples`} maw={{ sm: 320, lg: 460 }}>
                        <Text size="sm" c="dimmed" lineClamp={1}>
                          {samplesText(a.samples, a.type) || "–"}
                        </Text>
                      </Table.Td>
                      <Table.Td>
                        {may && (
                          <Group justify="flex-end">
                            <Button
                              size="xs"
                              variant="default"
                              aria-label={t`Edit ${a.name}`}
                              onClick={() => edit(a)}
                            >{t`Edit`}</Button>
                          </Group>
                        )}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Card>
          )}
          <Text
            size="xs"
            c="dimmed"
          >{t`Shares are counted over up to 10,000 contacts; with more contacts they are an estimate.`}</Text>
        </>
      )}
    </SettingsTab>
  );
}

function AttributeForm({ attribute, onClose }: { attribute: Attribute; onClose: () => void }) {
  const [name, setName] = useState(attribute.name);
  const [type, setType] = useState<AttributeType>(attribute.type);
  const [description, setDescription] = useState(attribute.description);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [{ fetching }, update] = useMutation(AttributeUpdateDocument);
  const odd = misfits(type, attribute.types);
  const save = async () => {
    const result = await update({
      input: {
        key: attribute.key,
        name,
        description,
        expectedVersion: attribute.revision,
        // Unless somebody chooses another, it stays what the values say.
        ...(type === attribute.type ? {} : { type }),
      },
    });
    if (result.error) return setErrors({ name: errorText(result.error) });
    const payload = result.data?.attributeUpdate;
    if (payload?.userErrors.length) {
      const split = byField(payload.userErrors, ["name", "type", "description"]);
      return setErrors({ ...split.fields, ...(split.rest ? { name: split.rest } : {}) });
    }
    notifications.show({ message: t`“${payload?.attributeKey?.name ?? name}” saved`, color: "green" });
    onClose();
  };
  const told = (field: string) => (errors[field] ? sentence(errors[field]) : undefined);
  return (
    <Dialog opened onClose={onClose} title={t`Edit “${attribute.name}”`}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save();
        }}
      >
        <Stack>
          <TextInput
            label={t`Name`}
            description={t`Shown everywhere; segments and templates keep the key ${attribute.key}`}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            error={told("name")}
            data-autofocus
          />
          <Select
            label={t`Type`}
            description={
              odd.length
                ? t`Some values are ${odd.join(", ")}: conditions of this type do not find them`
                : t`How values are shown and compared with; none is changed`
            }
            data={Object.entries(typeNames).map(([value, label]) => ({ value, label }))}
            value={type}
            onChange={(v) => v && setType(v as AttributeType)}
            allowDeselect={false}
            error={told("type")}
          />
          <Textarea
            label={t`Description`}
            description={t`For your team`}
            value={description}
            onChange={(e) => setDescription(e.currentTarget.value)}
            error={told("description")}
            autosize
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t`Cancel`}</Button>
            <Button type="submit" loading={fetching}>{t`Save`}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
