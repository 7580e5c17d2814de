import { t } from "@lingui/core/macro";
import { Button, Card, Group, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useMutation } from "urql";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { LinkButton, LoadMore, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ImportableTemplatesQuery } from "../../gql/graphql";
import { useEndless } from "../../lib/endless";
import { settled } from "../../lib/errors";
import { count, languageName } from "../../lib/format";
import { useRound } from "./round";

const TemplatesDocument = graphql(`
  query ImportableTemplates($search: String, $after: ID) {
    importableTemplates(search: $search, first: 10, after: $after) {
      more
      unread
      nodes {
        id: contentSid
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
      userErrors {
        message
      }
    }
  }
`);

type Found = ImportableTemplatesQuery["importableTemplates"]["nodes"][number];

const listOf = ({ importableTemplates: { nodes, more } }: ImportableTemplatesQuery) => ({
  nodes,
  pageInfo: { hasNextPage: more, endCursor: nodes.at(-1)?.id },
});

/** The content templates of the account: each can be imported, unless it says why not. */
export function AccountTemplates({ round, onDone }: { round: number; onDone: () => void }) {
  const [text, setText] = useState("");
  const [search] = useDebouncedValue(text.trim(), 300);
  const list = useEndless(TemplatesDocument, { search: search || null }, listOf);
  useRound(round, list.again);
  const [chosen, choose] = useState<Found>();
  const none = list.known && list.rows.length === 0;
  return (
    <Stack gap="xs">
      {!(none && !text && !search) && (
        <TextInput
          aria-label={t`Search templates`}
          placeholder={t`Name, language or text`}
          leftSection={<IconSearch size={16} />}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          maw={320}
          maxLength={100}
        />
      )}
      {!list.known && !list.error && <Rows n={3} />}
      {none && (
        <Text size="sm" c="dimmed">
          {search ? t`No template matches.` : t`The account has no content templates.`}
        </Text>
      )}
      {list.rows.map((f) => (
        <One key={f.id} of={f} onImport={() => choose(f)} />
      ))}
      {list.error ? (
        <Failed error={list.error} retry={list.retry} />
      ) : (
        <LoadMore more={list.more} loading={list.fetching} onMore={list.next} />
      )}
      {list.first?.importableTemplates.unread && (
        <Text
          size="xs"
          c="dimmed"
        >{t`Only the newest ${count(2000)} content templates of the account are listed and searched.`}</Text>
      )}
      {chosen && (
        <Import
          of={chosen}
          onClose={() => choose(undefined)}
          onDone={() => {
            choose(undefined);
            onDone();
          }}
        />
      )}
    </Stack>
  );
}

function One({ of: f, onImport }: { of: Found; onImport: () => void }) {
  return (
    <Card withBorder padding="xs">
      <Group justify="space-between" wrap="nowrap">
        <div style={{ minWidth: 0 }}>
          <Group gap="xs">
            <Text fw={550} size="sm" style={{ overflowWrap: "anywhere" }}>
              {f.name}
            </Text>
            <Status value={f.approvalStatus} />
            <Text size="xs" c="dimmed">
              {[languageName(f.language), f.type].filter(Boolean).join(" · ")}
            </Text>
          </Group>
          <Text dir="auto" size="xs" lineClamp={2} style={{ overflowWrap: "anywhere" }}>
            {f.body}
          </Text>
          {f.problem && <Text size="xs" c="red">{t`Cannot be imported: ${f.problem}`}</Text>}
        </div>
        {f.template ? (
          <LinkButton
            to="/templates/$id"
            params={{ id: f.template.id }}
            variant="default"
            size="xs"
            aria-label={t`Open ${f.name}`}
          >{t`Open`}</LinkButton>
        ) : (
          !f.problem && (
            <Button
              size="xs"
              variant="default"
              miw="max-content"
              aria-label={t`Import ${f.name}`}
              onClick={onImport}
            >{t`Import…`}</Button>
          )
        )}
      </Group>
    </Card>
  );
}

function Import({ of: f, onClose, onDone }: { of: Found; onClose: () => void; onDone: () => void }) {
  const [{ fetching }, take] = useMutation(ImportDocument);
  const [name, setName] = useState(f.name);
  const [values, setValues] = useState<Record<string, string>>({});
  const save = async () => {
    const variables = Object.entries(values)
      .filter(([, expression]) => expression.trim() !== "")
      .map(([key, expression]) => ({ key, expression }));
    if (settled(await take({ input: { contentSid: f.id, name, variables } }))) onDone();
  };
  return (
    <Dialog opened onClose={onClose} title={t`Import ${f.name}`} size="lg">
      <Stack>
        <Text dir="auto" size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {f.body}
        </Text>
        <TextInput label={t`Name`} value={name} onChange={(e) => setName(e.currentTarget.value)} />
        {f.variables.length > 0 && (
          <Text size="sm" c="dimmed">
            {t`Say what each placeholder is filled with, such as name | there or attributes.city. If you leave one empty, it becomes an attribute; contacts without a value are skipped.`}
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
          <Button loading={fetching} onClick={save}>{t`Import`}</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
