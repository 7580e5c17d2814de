import { plural, t } from "@lingui/core/macro";
import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useAddress } from "../../lib/address";
import { moment } from "../../lib/format";
import { Decide, Risks } from "../messages/Decide";
import { needsDecision } from "./CampaignMessages";

/** What only a person can decide about: how many, since when, and what each choice risks. */
export function Undecided(props: { id: string; n: number; since?: string | null; may: boolean }) {
  const { change } = useAddress();
  return (
    <Alert
      color="yellow"
      title={plural(props.n, { one: "# message needs a decision", other: "# messages need a decision" })}
    >
      <Stack gap="xs" align="flex-start" data-testid="undecided">
        <Text size="sm">
          {props.since && t`Since ${moment(props.since)}.`}{" "}
          {plural(props.n, {
            one: "Its call to Twilio got no answer, and neither receipts nor Twilio's log settle whether Twilio has it. The engine goes on looking; the campaign does not wait for it.",
            other:
              "Their calls to Twilio got no answer, and neither receipts nor Twilio's log settle whether Twilio has them. The engine goes on looking; the campaign does not wait for them.",
          })}
        </Text>
        <Risks />
        <Group gap="xs">
          {props.may && <Decide of={{ campaignId: props.id }} n={props.n} />}
          <Button size="xs" variant="subtle" onClick={() => change({ status: needsDecision }, { hash: "messages" })}>
            {plural(props.n, { one: "Show it", other: "Show them" })}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
