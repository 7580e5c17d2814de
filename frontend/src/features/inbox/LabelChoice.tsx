import { t } from "@lingui/core/macro";
import { Button, Checkbox, Group, Stack, Text, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useMutation, useQuery } from "urql";
import { DeleteButton } from "../../components/ui";
import { graphql } from "../../gql";
import type { LabelColor } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { words } from "../../lib/format";
import { type Label, LabelBadge, LabelsDocument } from "./labels";

const SetDocument = graphql(`
  mutation ConversationLabel($input: ConversationLabelInput!) {
    conversationLabel(input: $input) {
      conversation {
        id
        labels {
          id
          name
          color
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const CreateDocument = graphql(`
  mutation LabelCreate($input: LabelCreateInput!) {
    labelCreate(input: $input) {
      label {
        id
        name
        color
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const UpdateDocument = graphql(`
  mutation LabelUpdate($input: LabelUpdateInput!) {
    labelUpdate(input: $input) {
      label {
        id
        revision
        name
        color
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const DeleteDocument = graphql(`
  mutation LabelDelete($input: LabelDeleteInput!) {
    labelDelete(input: $input) {
      deletedId
      userErrors {
        field
        message
      }
    }
  }
`);

const colors: LabelColor[] = ["GRAY", "RED", "ORANGE", "YELLOW", "GREEN", "TEAL", "BLUE", "VIOLET", "PINK"];

/** Which labels a conversation has, and which there are. */
export function LabelChoice(props: { conversation: string; has: readonly Label[] }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []); // the panel took the focus before this came
  const [{ data }] = useQuery({ query: LabelsDocument, requestPolicy: "cache-and-network" });
  const [{ fetching }, set] = useMutation(SetDocument);
  const [creating, create] = useMutation(CreateDocument);
  const [, update] = useMutation(UpdateDocument);
  const [, remove] = useMutation(DeleteDocument);
  const [name, setName] = useState("");
  const [color, setColor] = useState<LabelColor>("TEAL");
  const [managing, setManaging] = useState(false);
  const all = data?.labels ?? [];
  const typed = name.trim().toLowerCase();
  const put = async (change: { add?: string[]; remove?: string[] }) =>
    settled(await set({ input: { id: props.conversation, ...change } }));
  const make = async () => {
    const result = await create({ input: { name, color } });
    const id = result.data?.labelCreate.label?.id;
    if (!settled(result) || !id) return;
    setName("");
    await put({ add: [id] });
  };
  return (
    <Stack gap="xs">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          const there = all.find((l) => l.name.toLowerCase() === typed);
          if (there) put({ add: [there.id] }).then((done) => done && setName(""));
          else if (typed) make();
        }}
      >
        <TextInput
          ref={field}
          size="xs"
          aria-label={t`Find or make a label`}
          placeholder={t`Find or make a label`}
          maxLength={40}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
        />
      </form>
      <Stack gap={6} mah={220} style={{ overflowY: "auto" }}>
        {all
          .filter((l) => l.name.toLowerCase().includes(typed))
          .map((l) => {
            const on = props.has.some((h) => h.id === l.id);
            return managing ? (
              <Group key={l.id} gap={6} wrap="nowrap" justify="space-between">
                <TextInput
                  size="xs"
                  aria-label={t`Name of ${l.name}`}
                  defaultValue={l.name}
                  maxLength={40}
                  flex={1}
                  onBlur={async (e) => {
                    const renamed = e.currentTarget.value.trim();
                    if (renamed && renamed !== l.name)
                      settled(await update({ input: { id: l.id, name: renamed, expectedVersion: l.revision } }));
                  }}
                />
                <DeleteButton
                  name={l.name}
                  onDelete={async () => settled(await remove({ input: { id: l.id } }))}
                >{t`It is taken off every conversation.`}</DeleteButton>
              </Group>
            ) : (
              <Checkbox
                key={l.id}
                size="xs"
                checked={on}
                disabled={fetching}
                onChange={() => put(on ? { remove: [l.id] } : { add: [l.id] })}
                label={<LabelBadge of={l} />}
                aria-label={l.name}
              />
            );
          })}
        {data && all.length === 0 && !typed && (
          <Text size="xs" c="dimmed">{t`There are no labels. Type a name to make one.`}</Text>
        )}
      </Stack>
      {typed && !all.some((l) => l.name.toLowerCase() === typed) && (
        <Stack gap={6}>
          <Group gap={4}>
            {colors.map((c) => (
              <Swatch key={c} color={c} chosen={c === color} onChoose={() => setColor(c)} />
            ))}
          </Group>
          <Button
            size="compact-sm"
            variant="light"
            loading={creating.fetching}
            onClick={make}
          >{t`Make “${name.trim()}”`}</Button>
        </Stack>
      )}
      {all.length > 0 && (
        <Button size="compact-xs" variant="subtle" color="gray" onClick={() => setManaging(!managing)}>
          {managing ? t`Done` : t`Rename or delete labels`}
        </Button>
      )}
    </Stack>
  );
}

function Swatch(props: { color: LabelColor; chosen: boolean; onChoose: () => void }) {
  return (
    <button
      type="button"
      className="inbox-swatch"
      style={{ background: `var(--mantine-color-${props.color.toLowerCase()}-5)` }}
      aria-label={words(props.color)}
      aria-pressed={props.chosen}
      onClick={props.onChoose}
    />
  );
}
