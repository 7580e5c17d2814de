import { t } from "@lingui/core/macro";
import { Alert, Button, Group, Text } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { useState } from "react";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { notifications } from "../../lib/notifications";
import { undoableFor } from "./outcome";

export const CampaignLaunchDocument = graphql(`
  mutation CampaignLaunch($input: CampaignLaunchInput!) {
    campaignLaunch(input: $input) {
      campaign {
        id
        status
        startedAt
        undoableUntil
        countsClicks
        ...ApprovalState
      }
      userErrors {
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
        message
      }
    }
  }
`);

/** How long a launch from these pages can be taken back. */
export const undoSeconds = 10;

/**
 * Says that a launch is about to begin, and takes it back. How long is counted from when the page learned of it, so that
 * a clock of this machine that is ahead hides no button.
 */
export function UndoLaunch({ id, startedAt, until }: { id: string; startedAt: string; until: string }) {
  const may = useMay("MARKETER");
  const [{ fetching }, undo] = useMutation(CampaignLaunchUndoDocument);
  const [total] = useState(() => undoableFor(startedAt, until, Date.now()));
  const [first] = useState(() => performance.now());
  const [now, setNow] = useState(first);
  useInterval(() => setNow(performance.now()), 250, { autoInvoke: true });
  const seconds = Math.ceil((total - (now - first)) / 1000);
  if (seconds <= 0) return null;
  return (
    <Alert color="blue" title={t`Starts in ${seconds} s`} role="group">
      <Group justify="space-between">
        <Text size="sm" role="status">{t`No message has been made yet.`}</Text>
        {may && (
          <Button
            size="xs"
            loading={fetching}
            onClick={async () => {
              if (settled(await undo({ input: { id } })))
                notifications.show({ message: t`The launch was undone: it is a draft again` });
            }}
          >{t`Undo`}</Button>
        )}
      </Group>
    </Alert>
  );
}
