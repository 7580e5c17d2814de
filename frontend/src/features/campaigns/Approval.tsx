import { t } from "@lingui/core/macro";
import { Alert, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { graphql } from "../../gql";
import type { ApprovalStateFragment } from "../../gql/graphql";
import { errorText, payloadOf, sentences, settled } from "../../lib/errors";
import { moment, oneOf } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { undoSeconds } from "./launch";

graphql(`
  fragment ApprovalState on Campaign {
    approval {
      state
      startsAtOnce
      askedAt
      askedBy {
        id
        name
      }
      decidedAt
      decidedBy {
        id
        name
      }
      reason
      approvers {
        id
        name
      }
      mayDecide
    }
  }
`);

const CampaignApproveDocument = graphql(`
  mutation CampaignApprove($input: CampaignApproveInput!) {
    campaignApprove(input: $input) {
      campaign {
        id
        revision
        status
        startedAt
        undoableUntil
        ...ApprovalState
      }
      userErrors {
        message
      }
    }
  }
`);

const CampaignSendBackDocument = graphql(`
  mutation CampaignSendBack($input: CampaignSendBackInput!) {
    campaignSendBack(input: $input) {
      campaign {
        id
        revision
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
`);

const CampaignApprovalWithdrawDocument = graphql(`
  mutation CampaignApprovalWithdraw($input: CampaignApprovalWithdrawInput!) {
    campaignApprovalWithdraw(input: $input) {
      campaign {
        id
        revision
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
`);

type Approval = NonNullable<ApprovalStateFragment["approval"]>;
type Campaign = {
  id: string;
  name: string;
  status: string;
  revision: number;
  nextRunAt?: string | null;
  approval?: Approval | null;
};

/** Where the approval of a campaign stands, and the way to give or refuse it. */
export function ApprovalAlert({ campaign: c }: { campaign: Campaign }) {
  const a = c.approval;
  if (!a) return null;
  if (a.state === "WAITING") return <Waiting campaign={c} approval={a} />;
  const who = a.decidedBy?.name ?? t`somebody`;
  if (a.state === "SENT_BACK")
    return c.status === "DRAFT" ? (
      <Alert color="yellow" title={t`Sent back by ${who}`}>
        <div dir="auto">{a.reason}</div>
      </Alert>
    ) : null;
  return (
    <Text size="sm" c="dimmed">
      {t`Approved by ${who}, ${moment(a.decidedAt)}`}
    </Text>
  );
}

function Waiting({ campaign: c, approval: a }: { campaign: Campaign; approval: Approval }) {
  const may = useMay("MARKETER");
  const [open, setOpen] = useState<"approve" | "back" | null>(null);
  const [withdrawing, withdraw] = useMutation(CampaignApprovalWithdrawDocument);
  const who = a.approvers.map((o) => o.name);
  const passed = c.status === "SCHEDULED" && c.nextRunAt != null && Date.parse(c.nextRunAt) < Date.now();
  const close = () => setOpen(null);
  return (
    <Alert
      color="yellow"
      title={who.length > 0 ? t`Waiting for approval by ${oneOf(who)}` : t`Waiting for approval`}
      data-testid="approval"
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {[
            a.askedBy ? t`${a.askedBy.name} asked ${moment(a.askedAt)}.` : "",
            a.decidedBy && t`It, its segment or a template has changed since ${a.decidedBy.name} approved it.`,
            a.startsAtOnce
              ? t`It starts when it is approved.`
              : passed
                ? t`Its time has passed: it starts as soon as it is approved.`
                : t`Without approval it does not start.`,
            who.length === 0 && t`Nobody else here may approve it: an admin has to invite somebody.`,
          ]
            .filter(Boolean)
            .join(" ")}
        </Text>
        {may && (
          <Group gap="xs">
            {a.mayDecide && (
              <>
                <Button size="xs" onClick={() => setOpen("approve")}>{t`Approve`}</Button>
                <Button size="xs" variant="default" onClick={() => setOpen("back")}>{t`Send back`}</Button>
              </>
            )}
            {c.status === "DRAFT" && (
              <Button
                size="xs"
                variant="default"
                loading={withdrawing.fetching}
                onClick={async () => settled(await withdraw({ input: { id: c.id } }))}
              >{t`Withdraw the request`}</Button>
            )}
          </Group>
        )}
      </Stack>
      <Dialog opened={open === "approve"} onClose={close} title={t`Approve “${c.name}”?`}>
        <Approve campaign={c} undoable={a.startsAtOnce} passed={passed} onDone={close} />
      </Dialog>
      <Dialog opened={open === "back"} onClose={close} title={t`Send “${c.name}” back`}>
        <SendBack id={c.id} onDone={close} />
      </Dialog>
    </Alert>
  );
}

function Approve(props: { campaign: Campaign; undoable: boolean; passed: boolean; onDone: () => void }) {
  const { campaign: c } = props;
  const [problem, setProblem] = useState("");
  // Of what was looked at when the question was asked: what changes meanwhile has to be looked at first.
  const [revision] = useState(c.revision);
  const [{ fetching }, approve] = useMutation(CampaignApproveDocument);
  const agree = async () => {
    const result = await approve(
      { input: { id: c.id, expectedVersion: revision, undoSeconds } },
      { tellConflict: true },
    );
    if (result.error) return setProblem(errorText(result.error));
    const errors = payloadOf(result.data)?.userErrors ?? [];
    if (errors.length) return setProblem(sentences(errors));
    notifications.show({ message: t`“${c.name}” is approved`, color: "green" });
    props.onDone();
  };
  return (
    <Stack>
      <Text size="sm">
        {props.undoable
          ? t`It is sent now, as this page shows it. Within ten seconds a launch can still be undone.`
          : props.passed
            ? t`Its time has passed: it is sent now, as this page shows it.`
            : t`It starts at its time, as this page shows it.`}{" "}
        {t`A change of the campaign, its segment or its templates takes the approval back.`}
      </Text>
      {problem && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onDone}>{t`Not now`}</Button>
        <Button loading={fetching} onClick={agree}>
          {props.undoable || props.passed ? t`Approve and send` : t`Approve`}
        </Button>
      </Group>
    </Stack>
  );
}

function SendBack(props: { id: string; onDone: () => void }) {
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  const [{ fetching }, send] = useMutation(CampaignSendBackDocument);
  return (
    <Stack>
      <Textarea
        label={t`What has to change`}
        description={t`At most 500 characters; it stands on the campaign's page`}
        maxLength={500}
        autosize
        minRows={3}
        value={reason}
        onChange={(e) => {
          setProblem("");
          setReason(e.currentTarget.value);
        }}
        error={problem}
        data-autofocus
      />
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onDone}>{t`Not now`}</Button>
        <Button
          disabled={!reason.trim()}
          loading={fetching}
          onClick={async () => {
            const result = await send({ input: { id: props.id, reason } });
            if (result.error) return setProblem(errorText(result.error));
            const errors = payloadOf(result.data)?.userErrors ?? [];
            if (errors.length) return setProblem(sentences(errors));
            props.onDone();
          }}
        >{t`Send back`}</Button>
      </Group>
    </Stack>
  );
}
