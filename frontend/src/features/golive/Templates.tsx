import { t } from "@lingui/core/macro";
import { Badge, Button, Card, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { Failed } from "../../components/Failed";
import { LinkButton, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { ImportableTemplatesQuery } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { words } from "../../lib/format";

const TemplatesDocument = graphql(`
  query ImportableTemplates {
    importableTemplates {
      more
      nodes {
        contentSid
        name
        language
        type
        body
        approvalStatus
        problem
        variables {
          key
          sample
          keptAs
        }
        template {
          id
        }
      }
    }
  }
`);
const ImportDocument = graphql(`
  mutation TemplateImport($input: TemplateImportInput!) {
    templateImport(input: $input) {
      template {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Found = ImportableTemplatesQuery["importableTemplates"]["nodes"][number];

/** The content templates of the account: each can be brought in, unless it says why not. */
export function AccountTemplates({ onDone }: { onDone: () => void }) {
  const [{ data, error }, load] = useQuery({ query: TemplatesDocument, requestPolicy: "cache-and-network" });
  const [chosen, choose] = useState<Found>();
  const again = () => {
    choose(undefined);
    load({ requestPolicy: "network-only" });
    onDone();
  };
  if (error && !data) return <Failed error={error} retry={again} />;
  if (!data) return <Rows />;
  const { nodes, more } = data.importableTemplates;
  if (nodes.length === 0) return <Text size="sm" c="dimmed">{t`The account has no content templates.`}</Text>;
  return (
    <Stack gap="xs">
      {nodes.map((f) => (
        <Card key={f.contentSid} withBorder padding="xs">
          <Group justify="space-between" wrap="nowrap">
            <div style={{ minWidth: 0 }}>
              <Group gap="xs">
                <Text fw={550} size="sm" style={{ overflowWrap: "anywhere" }}>
                  {f.name}
                </Text>
                <Badge
                  variant="light"
                  color={f.approvalStatus === "APPROVED" ? "green" : "gray"}
                  autoContrast
                  tt="none"
                >
                  {words(f.approvalStatus)}
                </Badge>
                <Text size="xs" c="dimmed">{`${f.language} · ${f.type}`}</Text>
              </Group>
              <Text size="xs" lineClamp={2} style={{ overflowWrap: "anywhere" }}>
                {f.body}
              </Text>
              {f.problem && <Text size="xs" c="red">{t`Cannot be brought in: ${f.problem}`}</Text>}
            </div>
            {f.template ? (
              <LinkButton to={`/templates/${f.template.id}` as never} variant="default" size="xs">{t`Open`}</LinkButton>
            ) : (
              !f.problem && (
                <Button
                  size="xs"
                  variant="default"
                  miw="max-content"
                  aria-label={t`Bring in ${f.name}`}
                  onClick={() => choose(f)}
                >{t`Bring in…`}</Button>
              )
            )}
          </Group>
        </Card>
      ))}
      {more && <Text size="xs" c="dimmed">{t`The account has more than are listed here.`}</Text>}
      {chosen && <Bring of={chosen} onClose={() => choose(undefined)} onDone={again} />}
    </Stack>
  );
}

function Bring({ of: f, onClose, onDone }: { of: Found; onClose: () => void; onDone: () => void }) {
  const [{ fetching }, bring] = useMutation(ImportDocument);
  const [name, setName] = useState(f.name);
  const [values, setValues] = useState<Record<string, string>>({});
  const save = async () => {
    const variables = Object.entries(values)
      .filter(([, expression]) => expression.trim() !== "")
      .map(([key, expression]) => ({ key, expression }));
    if (settled(await bring({ input: { contentSid: f.contentSid, name, variables } }))) onDone();
  };
  return (
    <Modal opened onClose={onClose} title={t`Bring in ${f.name}`} size="lg">
      <Stack>
        <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {f.body}
        </Text>
        <TextInput label={t`Name`} value={name} onChange={(e) => setName(e.currentTarget.value)} />
        {f.variables.length > 0 && (
          <Text size="sm" c="dimmed">
            {t`Say what each placeholder is filled with, such as name | there or attributes.city. One that is left empty stays, as an attribute without which contacts are skipped.`}
          </Text>
        )}
        {f.variables.map((v) => {
          const key = `{{${v.key}}}`;
          return (
            <TextInput
              key={v.key}
              label={v.sample ? t`${key}, such as ${v.sample}` : key}
              placeholder={v.keptAs}
              value={values[v.key] ?? ""}
              onChange={(e) => {
                const expression = e.currentTarget.value;
                setValues((all) => ({ ...all, [v.key]: expression }));
              }}
            />
          );
        })}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t`Cancel`}</Button>
          <Button loading={fetching} onClick={save}>{t`Bring in`}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
