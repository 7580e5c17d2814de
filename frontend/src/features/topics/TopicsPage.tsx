import { Button, Card, Group, Modal, Stack, Table, Text, Textarea, TextInput } from "@mantine/core";
import { IconPlus, IconTags } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
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
  const add = may && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => edit("new")}>
      New topic
    </Button>
  );
  return (
    <Page
      title="Topics"
      description="What contacts can subscribe to and leave; a campaign with a topic goes only to its subscribers"
      actions={data && data.topics.length > 0 && add}
    >
      {editing && <TopicForm key={editing === "new" ? "new" : editing.id} topic={editing} onClose={() => edit(null)} />}
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data ? (
        <Rows />
      ) : data.topics.length === 0 ? (
        <Empty icon={<IconTags />} title="No topics yet" action={add}>
          With topics, people who have enough of your offers can stay for the news: they leave one topic instead of
          everything.
        </Empty>
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Keyword</Table.Th>
                <Table.Th ta="right">Subscribers</Table.Th>
                <Table.Th ta="right">Of them reachable</Table.Th>
                <Table.Th ta="right">Left</Table.Th>
                <Table.Th aria-label="Actions" />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.topics.map((t) => (
                <Table.Tr key={t.id}>
                  <Table.Td data-label="Name">
                    <Text size="sm" fw={550}>
                      {t.name}
                    </Text>
                    <Text size="xs" c="dimmed" lineClamp={2}>
                      {t.description}
                    </Text>
                  </Table.Td>
                  <Table.Td data-label="Keyword">{t.keyword ? `STOP ${t.keyword.toUpperCase()}` : "–"}</Table.Td>
                  <Table.Td data-label="Subscribers" ta="right">
                    <Link to="/contacts" search={{ f: audienceOf(t.id) }} className="plain">
                      {count(t.subscribers)}
                    </Link>
                  </Table.Td>
                  <Table.Td data-label="Of them reachable" ta="right">
                    {count(t.reachable)}
                  </Table.Td>
                  <Table.Td data-label="Left" ta="right">
                    {count(t.left)}
                  </Table.Td>
                  <Table.Td>
                    {may && (
                      <Group justify="flex-end" gap="xs" wrap="nowrap">
                        <Button size="xs" variant="default" onClick={() => edit(t)} aria-label={`Edit ${t.name}`}>
                          Edit
                        </Button>
                        <DeleteButton
                          name={t.name}
                          onDelete={async () => settled(await remove({ input: { id: t.id } }))}
                        >
                          The contacts stay; who of them was subscribed ({count(t.subscribers)}) or had left (
                          {count(t.left)}) is forgotten.
                        </DeleteButton>
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
    <Modal opened onClose={props.onClose} title={old ? "Edit topic" : "New topic"}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save();
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            description="Contacts read it in confirmations; files name topics by it"
            placeholder="Price alerts"
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            error={errors.name}
            data-autofocus
          />
          <Textarea
            label="Description"
            value={description}
            onChange={(e) => setDescription(e.currentTarget.value)}
            error={errors.description}
          />
          <TextInput
            label="Keyword"
            description={
              keyword.trim()
                ? `Who writes STOP ${keyword.trim().toUpperCase()} leaves it, START ${keyword.trim().toUpperCase()} subscribes`
                : "With one, contacts can leave and subscribe by message"
            }
            placeholder="NEWS"
            value={keyword}
            onChange={(e) => setKeyword(e.currentTarget.value)}
            error={errors.keyword}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={creating.fetching || updating.fetching} disabled={!name.trim()}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
