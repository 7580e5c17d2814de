import { t } from "@lingui/core/macro";
import { Button, Card, Group, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { Dialog } from "../../components/Dialog";
import { DeleteButton, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import { byField, payloadOf, settled } from "../../lib/errors";

const CannedRepliesDocument = graphql(`
  query CannedReplies {
    cannedReplies {
      id
      revision
      name
      body
    }
  }
`);
const CannedReplyCreateDocument = graphql(`
  mutation CannedReplyCreate($input: CannedReplyCreateInput!) {
    cannedReplyCreate(input: $input) {
      cannedReply {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const CannedReplyUpdateDocument = graphql(`
  mutation CannedReplyUpdate($input: CannedReplyUpdateInput!) {
    cannedReplyUpdate(input: $input) {
      cannedReply {
        id
        revision
        name
        body
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const CannedReplyDeleteDocument = graphql(`
  mutation CannedReplyDelete($input: CannedReplyDeleteInput!) {
    cannedReplyDelete(input: $input) {
      deletedId
      userErrors {
        field
        message
      }
    }
  }
`);

type Reply = { id: string; revision: number; name: string; body: string };

/** The replies that are written once and used often. */
export function CannedReplies(props: { onClose: () => void }) {
  const [{ data }] = useQuery({ query: CannedRepliesDocument, requestPolicy: "cache-and-network" });
  const [, remove] = useMutation(CannedReplyDeleteDocument);
  const [editing, edit] = useState<Reply | "new" | null>(null);
  return (
    <Dialog opened onClose={props.onClose} title={t`Canned replies`} size="lg">
      <Stack>
        <Text
          size="sm"
          c="dimmed"
        >{t`Type “/” and a name in a reply to use one. A text may hold placeholders, such as ${"{{name | there}}"} or ${"{{attributes.city}}"}, which are filled in for the contact.`}</Text>
        {!data && <Rows n={3} />}
        {data?.cannedReplies.map((r) =>
          editing !== "new" && editing?.id === r.id ? (
            <Edit key={r.id} of={r} done={() => edit(null)} />
          ) : (
            <Group key={r.id} wrap="nowrap" align="flex-start" justify="space-between">
              <div style={{ minWidth: 0 }}>
                <Text size="sm" fw={600}>
                  /{r.name}
                </Text>
                <Text
                  dir="auto"
                  size="sm"
                  c="dimmed"
                  lineClamp={2}
                  style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}
                >
                  {r.body}
                </Text>
              </div>
              <Group gap={4} wrap="nowrap">
                <Button
                  size="xs"
                  variant="default"
                  aria-label={t`Edit ${r.name}`}
                  onClick={() => edit(r)}
                >{t`Edit`}</Button>
                <DeleteButton
                  name={r.name}
                  onDelete={async () => settled(await remove({ input: { id: r.id } }))}
                >{t`What was sent with it stays.`}</DeleteButton>
              </Group>
            </Group>
          ),
        )}
        {editing === "new" ? (
          <Edit done={() => edit(null)} />
        ) : (
          <Group justify="flex-end">
            <Button onClick={() => edit("new")}>{t`New reply`}</Button>
          </Group>
        )}
      </Stack>
    </Dialog>
  );
}

function Edit(props: { of?: Reply; done: () => void }) {
  const { of: r, done } = props;
  const [creating, create] = useMutation(CannedReplyCreateDocument);
  const [updating, update] = useMutation(CannedReplyUpdateDocument);
  const form = useForm({ initialValues: { name: r?.name ?? "", body: r?.body ?? "" } });
  return (
    <Card padding="sm">
      <form
        onSubmit={form.onSubmit(async (v) => {
          const result = r
            ? await update({ input: { id: r.id, expectedVersion: r.revision, ...v } })
            : await create({ input: v });
          const { fields, rest } = byField(payloadOf(result.data)?.userErrors ?? [], ["name", "body"]);
          if (Object.keys(fields).length > 0 && !rest) return form.setErrors(fields);
          if (settled(result)) done();
        })}
      >
        <Stack gap="xs">
          <TextInput
            label={t`Name`}
            description={t`Letters, digits, - and _`}
            placeholder={t`opening-hours`}
            maxLength={40}
            data-autofocus
            {...form.getInputProps("name")}
          />
          <Textarea label={t`Text`} autosize minRows={3} maxRows={10} {...form.getInputProps("body")} />
          <Group justify="flex-end" gap="xs">
            <Button size="xs" variant="default" onClick={done}>{t`Cancel`}</Button>
            <Button size="xs" type="submit" loading={creating.fetching || updating.fetching}>{t`Save`}</Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
