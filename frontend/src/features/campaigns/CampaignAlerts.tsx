import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { useAddress } from "../../lib/address";
import { settled } from "../../lib/errors";
import { count, counted, moment, sentence } from "../../lib/format";
import { Decide, Risks } from "../messages/Decide";
import { needsDecision } from "./CampaignMessages";
import type { CampaignDetails } from "./CampaignPage";
import { CampaignLaunchDocument, UndoLaunch } from "./launch";
import { retriesText } from "./outcome";

/** What somebody should know before anything else. */
export function CampaignAlerts({ campaign: c }: { campaign: CampaignDetails }) {
  const may = useMay("MARKETER");
  const [launching, launch] = useMutation(CampaignLaunchDocument);
  const unsettled = c.counts.unknown - c.counts.undecided;
  const input = { id: c.id, undoSeconds: 0 };
  return (
    <>
      {c.startedAt && c.undoableUntil && c.counts.audience === 0 && (
        <UndoLaunch key={c.undoableUntil} id={c.id} startedAt={c.startedAt} until={c.undoableUntil} />
      )}
      {c.pausedReason && (
        <Alert color="yellow" title={c.pausedBy === "ENGINE" ? "Paused by the engine" : "Paused"}>
          {c.pausedReason}
        </Alert>
      )}
      {c.failure && (
        <Alert color="red" title="Failed">
          {c.failure}
        </Alert>
      )}
      {c.status === "SCHEDULED" && c.startError && (
        <Alert color="red" title="It could not start yet">
          <Stack gap="xs" align="flex-start">
            <Text size="sm">
              {sentence(c.startError)} It is tried again{c.startRetryAt ? ` ${moment(c.startRetryAt)}` : ""}.
            </Text>
            {may && (
              <Button
                size="xs"
                variant="default"
                loading={launching.fetching}
                onClick={async () => settled(await launch({ input }))}
              >
                Try now
              </Button>
            )}
          </Stack>
        </Alert>
      )}
      {c.status === "SCHEDULED" && c.schedule && (
        <Alert
          color="blue"
          title={c.startError ? `Was to start ${moment(c.nextRunAt)}` : `Starts ${moment(c.nextRunAt)}`}
        >
          {c.runsDone > 0 && `${counted(c.runsDone, "run", "runs")} done. `}It can be edited until it starts; its
          segment is taken as it stands when it starts.
        </Alert>
      )}
      {c.parent && (
        <Text size="sm">
          A run of{" "}
          <Link to="/campaigns/$id" params={{ id: c.parent.id }} className="plain">
            {c.parent.name}
          </Link>
        </Text>
      )}
      {c.counts.undecided > 0 && <Undecided id={c.id} n={c.counts.undecided} since={c.undecidedSince} may={may} />}
      {unsettled > 0 && (
        <Alert color="blue" title={`${counted(unsettled, "call", "calls")} to Twilio got no answer yet`}>
          Twilio may have {unsettled === 1 ? "it" : "them"}. The engine finds out by receipts and in Twilio's log, and
          sends again only what Twilio never took. There is nothing to do.
        </Alert>
      )}
      {c.counts.redelivering > 0 && (
        <Alert color="blue" title={retriesText(c.counts.redelivering)}>
          Twilio accepted {c.counts.redelivering === 1 ? "it" : "them"}, and WhatsApp declined to deliver for now. The
          engine sends again by itself with growing delays, at most three times; a late delivery ends the wait.
          {c.status === "COMPLETED" && " The campaign is completed without them."}
        </Alert>
      )}
    </>
  );
}

/** What only a person can decide about: how many, since when, and what each choice risks. */
function Undecided(props: { id: string; n: number; since?: string | null; may: boolean }) {
  const { change } = useAddress();
  const one = props.n === 1;
  return (
    <Alert color="yellow" title={`${count(props.n)} ${one ? "message needs" : "messages need"} a decision`}>
      <Stack gap="xs" align="flex-start" data-testid="undecided">
        <Text size="sm">
          {props.since && `Since ${moment(props.since)}. `}
          {one ? "Its call" : "Their calls"} to Twilio got no answer, and neither receipts nor Twilio's log settle
          whether Twilio has {one ? "it" : "them"}. The engine goes on looking; the campaign does not wait for{" "}
          {one ? "it" : "them"}.
        </Text>
        <Risks />
        <Group gap="xs">
          {props.may && <Decide of={{ campaignId: props.id }} n={props.n} />}
          <Button size="xs" variant="subtle" onClick={() => change({ status: needsDecision }, { hash: "messages" })}>
            Show {one ? "it" : "them"}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
