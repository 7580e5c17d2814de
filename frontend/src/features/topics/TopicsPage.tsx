import { t } from "@lingui/core/macro";
import { Button, Card, Group, Stack, Table, Text, Textarea, TextInput } from "@mantine/core";
import { IconPlus, IconTags } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { DeleteButton, Empty, Page, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { TopicsQuery } from "../../gql/graphql";
import { byField, errorText, settled } from "../../lib/errors";
import { count } from "../../lib/format";

const TopicsDocument = graphql(`
  query Topics {
    topics {
      id
      revision
      name
      description
      keyword
      subscribers
      reachable
      left
    }
  }
`);
const CreateDocument = graphql(`
  mutation TopicCreate($input: TopicCreateInput!) {
    topicCreate(input: $input) {
      topic {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const UpdateDocument = graphql(`
  mutation TopicUpdate($input: TopicUpdateInput!) {
    topicUpdate(input: $input) {
      topic {
        id
        revision
        name
        description
        keyword
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const DeleteDocument = graphql(`
  mutation TopicDelete($input: TopicDeleteInput!) {
    topicDelete(input: $input) {
      deletedId
      userErrors {
        message
      }
    }
  }
`);

type Topic = TopicsQuery["topics"][number];

const audienceOf = (topic: string) => JSON.stringify({ topic });

/** What contacts can be subscribed to. */
export function TopicsPage() {
  const may = useMay("MARKETER");
  const [editing, edit] = useState<Topic | "new" | null>(null);
  const [{ data, error }, load] = useQuery({ query: TopicsDocument });
  const [, remove] = useMutation(DeleteDocument);
  const add = may && <Button leftSection={<IconPlus size={16} />} onClick={() => edit("new")}>{t`New topic`}</Button>;
  return (
    <Page
      title={t`Topics`}
      description={t`What contacts can subscribe to; a campaign with a topic goes only to its subscribers`}
      actions={data && data.topics.length > 0 && add}
    >
      {editing && <TopicForm key={editing === "new" ? "new" : editing.id} topic={editing} onClose={() => edit(null)} />}
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data ? (
        <Rows />
      ) : data.topics.length === 0 ? (
        <Empty
          icon={<IconTags />}
          title={t`No topics yet`}
          action={add}
        >{t`With topics, people who have enough of your offers can stay for the news: they leave one topic instead of everything.`}</Empty>
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t`Name`}</Table.Th>
                <Table.Th>{t`Keyword`}</Table.Th>
                <Table.Th ta="right">{t`Subscribers`}</Table.Th>
                <Table.Th ta="right">{t`Reachable`}</Table.Th>
                <Table.Th ta="right">{t`Unsubscribed`}</Table.Th>
                <Table.Th aria-label={t`Actions`} />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.topics.map((topic) => (
                <Table.Tr key={topic.id}>
                  <Table.Td data-label={t`Name`}>
                    <Text dir="auto" size="sm" fw={550}>
                      {topic.name}
                    </Text>
                    <Text dir="auto" size="xs" c="dimmed" lineClamp={2}>
                      {topic.description}
                    </Text>
                  </Table.Td>
                  <Table.Td data-label={t`Keyword`}>
                    {topic.keyword ? t`STOP ${topic.keyword.toUpperCase()}` : "–"}
                  </Table.Td>
                  <Table.Td data-label={t`Subscribers`} ta="right">
                    <Link to="/contacts" search={{ f: audienceOf(topic.id) }} className="plain">
                      {count(topic.subscribers)}
                    </Link>
                  </Table.Td>
                  <Table.Td data-label={t`Reachable`} ta="right">
                    {count(topic.reachable)}
                  </Table.Td>
                  <Table.Td data-label={t`Unsubscribed`} ta="right">
                    {count(topic.left)}
                  </Table.Td>
                  <Table.Td>
                    {may && (
                      <Group justify="flex-end" gap="xs" wrap="nowrap">
                        <Button
                          size="xs"
                          variant="default"
                          onClick={() => edit(topic)}
                          aria-label={t`Edit ${topic.name}`}
                        >{t`Edit`}</Button>
                        <DeleteButton
                          name={topic.name}
                          onDelete={async () => settled(await remove({ input: { id: topic.id } }))}
                        >{t`The contacts stay; who of them was subscribed (${count(topic.subscribers)}) or had left (${count(topic.left)}) is forgotten.`}</DeleteButton>
                      </Group>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Card>
      )}
    </Page>
  );
}

function TopicForm(props: { topic: Topic | "new"; onClose: () => void }) {
  const old = props.topic === "new" ? null : props.topic;
  const [name, setName] = useState(old?.name ?? "");
  const [description, setDescription] = useState(old?.description ?? "");
  const [keyword, setKeyword] = useState(old?.keyword ?? "");
  const [revision] = useState(old?.revision);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [creating, create] = useMutation(CreateDocument);
  const [updating, update] = useMutation(UpdateDocument);
  const save = async () => {
    const input = { name, description, keyword };
    const made = old ? undefined : await create({ input });
    const changed = old ? await update({ input: { id: old.id, ...input, expectedVersion: revision } }) : undefined;
    const wrong = (made ?? changed)?.error;
    if (wrong) return setErrors({ name: errorText(wrong) });
    const problems = made?.data?.topicCreate.userErrors ?? changed?.data?.topicUpdate.userErrors ?? [];
    if (!problems.length) return props.onClose();
    const split = byField(problems, ["name", "description", "keyword"]);
    setErrors({ ...split.fields, ...(split.rest ? { name: split.rest } : {}) });
  };
  return (
    <Dialog opened onClose={props.onClose} title={old ? t`Edit topic` : t`New topic`}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save();
        }}
      >
        <Stack>
          <TextInput
            label={t`Name`}
            description={t`Contacts read it in confirmations; files name topics by it`}
            placeholder={t`Price alerts`}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            error={errors.name}
            data-autofocus
          />
          <Textarea
            label={t`Description`}
            value={description}
            onChange={(e) => setDescription(e.currentTarget.value)}
            error={errors.description}
          />
          <TextInput
            label={t`Keyword`}
            description={
              keyword.trim()
                ? t`Who writes STOP ${keyword.trim().toUpperCase()} leaves it, START ${keyword.trim().toUpperCase()} subscribes`
                : t`With one, contacts can leave and subscribe by message`
            }
            placeholder={t`NEWS`}
            value={keyword}
            onChange={(e) => setKeyword(e.currentTarget.value)}
            error={errors.keyword}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>{t`Cancel`}</Button>
            <Button
              type="submit"
              loading={creating.fetching || updating.fetching}
              disabled={!name.trim()}
            >{t`Save`}</Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
