import { plural, t } from "@lingui/core/macro";
import { Button, Text } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { useMutation } from "urql";
import { Dialog } from "../../components/Dialog";
import { DropdownMenu } from "../../components/Dropdown";
import { LinkButton, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import { useGoAfter } from "../../lib/address";
import { settled } from "../../lib/errors";
import { modals } from "../../lib/modals";
import { notifications } from "../../lib/notifications";

import type { CampaignDetails } from "./CampaignPage";
import { hasEnded, waitsForApproval } from "./outcome";

const Preflight = lazy(async () => ({ default: (await import("./Preflight")).Preflight }));
const TestSend = lazy(async () => ({ default: (await import("./TestSend")).TestSend }));
const ScheduleForm = lazy(async () => ({ default: (await import("./ScheduleForm")).ScheduleForm }));

const action = {
  pause: graphql(`
    mutation CampaignPause($input: CampaignPauseInput!) {
      campaignPause(input: $input) {
        campaign {
          id
          status
          pausedBy
          pausedReason
        }
        userErrors {
          message
        }
      }
    }
  `),
  resume: graphql(`
    mutation CampaignResume($input: CampaignResumeInput!) {
      campaignResume(input: $input) {
        campaign {
          id
          status
          pausedBy
          pausedReason
        }
        userErrors {
          message
        }
      }
    }
  `),
  cancel: graphql(`
    mutation CampaignCancel($input: CampaignCancelInput!) {
      campaignCancel(input: $input) {
        campaign {
          id
          status
        }
        userErrors {
          message
        }
      }
    }
  `),
  duplicate: graphql(`
    mutation CampaignDuplicate($input: CampaignDuplicateInput!) {
      campaignDuplicate(input: $input) {
        campaign {
          id
        }
        userErrors {
          message
        }
      }
    }
  `),
  unschedule: graphql(`
    mutation CampaignUnschedule($input: CampaignUnscheduleInput!) {
      campaignUnschedule(input: $input) {
        campaign {
          id
          status
          nextRunAt
          schedule {
            at
          }
          ...ApprovalState
        }
        userErrors {
          message
        }
      }
    }
  `),
  archive: graphql(`
    mutation CampaignArchive($input: CampaignArchiveInput!) {
      campaignArchive(input: $input) {
        campaign {
          id
          revision
          archivedAt
        }
        userErrors {
          message
        }
      }
    }
  `),
  unarchive: graphql(`
    mutation CampaignUnarchive($input: CampaignUnarchiveInput!) {
      campaignUnarchive(input: $input) {
        campaign {
          id
          revision
          archivedAt
        }
        userErrors {
          message
        }
      }
    }
  `),
  remove: graphql(`
    mutation CampaignDelete($input: CampaignDeleteInput!) {
      campaignDelete(input: $input) {
        deletedId
        userErrors {
          message
        }
      }
    }
  `),
};

/** What can be done with a campaign as it stands. */
export function CampaignActions({ campaign: c }: { campaign: CampaignDetails }) {
  const goAfter = useGoAfter();
  const [pausing, pause] = useMutation(action.pause);
  const [resuming, resume] = useMutation(action.resume);
  const [, cancel] = useMutation(action.cancel);
  const [duplicating, duplicate] = useMutation(action.duplicate);
  const [, remove] = useMutation(action.remove);
  const [archiving, archive] = useMutation(action.archive);
  const [unarchiving, unarchive] = useMutation(action.unarchive);
  const [unscheduling, unschedule] = useMutation(action.unschedule);
  const [open, setOpen] = useState<"launch" | "plan" | "test" | null>(null);
  const close = () => setOpen(null);
  const input = { id: c.id };
  const archived = c.archivedAt != null;
  const waits = !archived && (c.status === "DRAFT" || c.status === "SCHEDULED");
  const ended = hasEnded(c.status);
  const askToDelete = () =>
    modals.openConfirmModal({
      title: t`Delete “${c.name}”?`,
      children: <Text size="sm">{t`The draft is deleted permanently. Nobody has received anything from it.`}</Text>,
      labels: { confirm: t`Delete the draft`, cancel: t`Keep it` },
      confirmProps: { color: "red" },
      onConfirm: async () => {
        const go = goAfter();
        if (!settled(await remove({ input }))) return;
        notifications.show({ message: t`“${c.name}” deleted` });
        go({ to: "/campaigns" });
      },
    });
  return (
    <>
      {c.status === "DRAFT" && !archived && !waitsForApproval(c) && (
        <Button onClick={() => setOpen("launch")}>{t`Launch`}</Button>
      )}
      {waits && (
        <>
          <LinkButton to="/campaigns/$id/edit" params={{ id: c.id }} variant="default">{t`Edit`}</LinkButton>
          <Button variant="default" onClick={() => setOpen("plan")}>
            {c.status === "DRAFT" ? t`Schedule…` : t`Change the schedule`}
          </Button>
        </>
      )}
      {c.status === "SCHEDULED" && (
        <Button
          variant="default"
          loading={unscheduling.fetching}
          onClick={async () => settled(await unschedule({ input }))}
        >{t`Back to draft`}</Button>
      )}
      {c.template && !ended && <Button variant="default" onClick={() => setOpen("test")}>{t`Test send`}</Button>}
      {c.status === "SENDING" && (
        <Button
          variant="default"
          loading={pausing.fetching}
          onClick={async () => settled(await pause({ input }))}
        >{t`Pause`}</Button>
      )}
      {c.status === "PAUSED" && (
        <Button loading={resuming.fetching} onClick={async () => settled(await resume({ input }))}>{t`Resume`}</Button>
      )}
      {!ended && c.status !== "DRAFT" && (
        <Button
          color="red"
          variant="outline"
          onClick={() =>
            modals.openConfirmModal({
              title: t`Cancel “${c.name}”?`,
              children: (
                <Text size="sm">{`${plural(c.counts.pending, { one: "# message will not be sent.", other: "# messages will not be sent." })} ${plural(c.counts.accepted, { one: "# is out already.", other: "# are out already." })}`}</Text>
              ),
              labels: { confirm: t`Cancel the campaign`, cancel: t`Keep it` },
              confirmProps: { color: "red" },
              onConfirm: async () => settled(await cancel({ input })),
            })
          }
        >{t`Cancel`}</Button>
      )}
      {archived && (
        <Button
          variant="default"
          loading={unarchiving.fetching}
          onClick={async () => settled(await unarchive({ input }))}
        >{t`Bring back`}</Button>
      )}
      <DropdownMenu
        position="bottom-end"
        target={
          <Button
            variant="default"
            rightSection={<IconChevronDown size={16} />}
            loading={duplicating.fetching || archiving.fetching}
          >{t`More`}</Button>
        }
      >
        {(Menu) => (
          <>
            <Menu.Item
              onClick={async () => {
                const go = goAfter();
                const result = await duplicate({ input });
                const made = result.data?.campaignDuplicate.campaign;
                if (settled(result) && made) go({ to: "/campaigns/$id", params: { id: made.id } });
              }}
            >{t`Duplicate`}</Menu.Item>
            {!archived && (ended || c.status === "DRAFT") && !waitsForApproval(c) && (
              <Menu.Item onClick={async () => settled(await archive({ input }))}>{t`Archive`}</Menu.Item>
            )}
            {c.status === "DRAFT" && <Menu.Item color="red" onClick={askToDelete}>{t`Delete`}</Menu.Item>}
          </>
        )}
      </DropdownMenu>
      <Dialog opened={open === "launch"} onClose={close} title={t`Launch “${c.name}”`} size="lg">
        <Suspense fallback={<Rows n={4} />}>
          <Preflight id={c.id} onLaunched={close}>
            <Button variant="default" onClick={close}>{t`Not now`}</Button>
          </Preflight>
        </Suspense>
      </Dialog>
      <Dialog opened={open === "plan"} onClose={close} title={t`Schedule`}>
        <Suspense>
          <ScheduleForm id={c.id} plan={c.schedule} onDone={close} />
        </Suspense>
      </Dialog>
      <Dialog opened={open === "test"} onClose={close} title={t`Send a test`}>
        <Suspense>
          <TestSend id={c.id} variants={c.variants} onDone={close} />
        </Suspense>
      </Dialog>
    </>
  );
}
