import { t } from "@lingui/core/macro";
import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { graphql } from "../../gql";
import { useGoAfter } from "../../lib/address";
import { settled } from "../../lib/errors";
import { contacts } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { SegmentCreateDocument } from "../segments/create";
import type { CampaignDetails } from "./CampaignPage";
import { nameFor, type People, peopleText, queryOf } from "./people";

const WriteAgainDocument = graphql(`
  mutation WriteAgain($input: CampaignCreateInput!) {
    campaignCreate(input: $input) {
      campaign {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** Whom the list below shows, and what can be made of exactly these people. */
export function PeopleBar(props: { campaign: CampaignDetails; people: People; n: number }) {
  const { campaign: c, people } = props;
  const may = useMay("MARKETER");
  const navigate = useNavigate();
  const goAfter = useGoAfter();
  const [saving, setSaving] = useState(false);
  const [{ fetching }, write] = useMutation(WriteAgainDocument);
  const again = async () => {
    const input = {
      name: nameFor(c.name, people, 150),
      templateId: c.template?.id,
      topicId: c.topic?.id,
      senders: c.senders.map((s) => ({ senderId: s.sender.id, weight: s.weight })),
      query: queryOf(c.id, people),
    };
    const go = goAfter();
    const result = await write({ input });
    const made = result.data?.campaignCreate.campaign;
    if (!settled(result) || !made) return;
    notifications.show({
      message: t`A draft to exactly these people. Who must not get it is excluded when it is launched.`,
      color: "green",
    });
    go({ to: "/campaigns/$id", params: { id: made.id } });
  };
  return (
    <Group px="md" pt="sm" justify="space-between" data-testid="people">
      <Text size="sm">
        <b>{peopleText(people)}</b> · {contacts(props.n)}
      </Text>
      <Group gap="xs">
        {may && (
          <>
            <Button size="xs" variant="default" onClick={() => setSaving(true)}>{t`Save as segment`}</Button>
            <Button size="xs" variant="default" loading={fetching} onClick={again}>{t`Write again`}</Button>
          </>
        )}
        <Button
          size="xs"
          variant="subtle"
          onClick={() => navigate({ to: "/campaigns/$id", params: { id: c.id }, replace: true, resetScroll: false })}
        >{t`Show all messages`}</Button>
      </Group>
      <Dialog opened={saving} onClose={() => setSaving(false)} title={t`Save as segment`}>
        <SaveSegment campaign={c} people={people} onDone={() => setSaving(false)} />
      </Dialog>
    </Group>
  );
}

function SaveSegment(props: { campaign: CampaignDetails; people: People; onDone: () => void }) {
  const [name, setName] = useState(nameFor(props.campaign.name, props.people, 100));
  const [{ fetching, data }, create] = useMutation(SegmentCreateDocument);
  const goAfter = useGoAfter();
  const wrong = data?.segmentCreate.userErrors[0]?.message;
  return (
    <form
      onSubmit={async (e) => {
        e.preventDefault();
        const go = goAfter();
        const result = await create({ input: { name, query: queryOf(props.campaign.id, props.people) } });
        const made = result.data?.segmentCreate.segment;
        if (!settled(result) || !made) return;
        props.onDone();
        go({ to: "/segments/$id", params: { id: made.id } });
      }}
    >
      <Stack>
        <TextInput
          label={t`Name`}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          maxLength={100}
          error={wrong}
          data-autofocus
        />
        <Group justify="flex-end">
          <Button type="submit" loading={fetching}>{t`Save`}</Button>
        </Group>
      </Stack>
    </form>
  );
}
