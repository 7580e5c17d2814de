import { Alert, Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useEffect, useState } from "react";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";

export const CampaignLaunchDocument = graphql(`
  mutation CampaignLaunch($input: CampaignLaunchInput!) {
    campaignLaunch(input: $input) {
      campaign {
        id
        status
        startedAt
        undoableUntil
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const CampaignLaunchUndoDocument = graphql(`
  mutation CampaignLaunchUndo($input: CampaignLaunchUndoInput!) {
    campaignLaunchUndo(input: $input) {
      campaign {
        id
        status
        startedAt
        undoableUntil
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** How long a launch from these pages can be taken back. */
export const undoSeconds = 10;

/** Says that a launch is about to begin, and takes it back. */
export function UndoLaunch({ id, until }: { id: string; until: string }) {
  const may = useMay("MARKETER");
  const [{ fetching }, undo] = useMutation(CampaignLaunchUndoDocument);
  const left = () => Math.ceil((new Date(until).getTime() - Date.now()) / 1000);
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(left()), 250);
    return () => clearInterval(timer);
  });
  if (seconds <= 0) return null;
  return (
    <Alert color="blue" title={`Starts in ${seconds} s`} role="status">
      <Group justify="space-between">
        <Text size="sm">No message has been made yet.</Text>
        {may && (
          <Button
            size="xs"
            loading={fetching}
            onClick={async () => {
              if (settled(await undo({ input: { id } })))
                notifications.show({ message: "The launch was undone: it is a draft again" });
            }}
          >
            Undo
          </Button>
        )}
      </Group>
    </Alert>
  );
}
