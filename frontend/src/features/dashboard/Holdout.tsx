import { t } from "@lingui/core/macro";
import { Card, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "urql";
import { IntervalBar } from "../../components/IntervalBar";
import { graphql } from "../../gql";
import { count } from "../../lib/format";
import { standingLiftText } from "../campaigns/verdict";
import { mostDays } from "./range";

const StandingHoldoutDocument = graphql(`
  query StandingHoldout($range: DateRange!) {
    standingHoldoutLift(range: $range) {
      campaigns
      treated
      treatedWrote
      heldOut
      heldOutWrote
      difference
      low
      high
      shown
    }
  }
`);

/** What the campaigns of a range did together, beside those who get none; nothing where nobody is held out. */
export function Holdout({ range }: { range: { from: Date; to: Date } }) {
  // Of whole hours: the page's range moves on with every message, and this does not change by the second.
  const from = startOfHour(range.from);
  const to = Math.min(startOfHour(range.to) + hour, from + mostDays * 24 * hour);
  const [{ data }] = useQuery({
    query: StandingHoldoutDocument,
    variables: { range: { from: new Date(from).toISOString(), to: new Date(to).toISOString() } },
    requestPolicy: "cache-and-network",
  });
  const lift = data?.standingHoldoutLift;
  if (!lift) return null;
  return (
    <Card>
      <Stack gap="xs">
        <Title order={2} size="h4">{t`Campaigns against the holdout`}</Title>
        <Text data-testid="standing-lift">{standingLiftText(lift)}</Text>
        <IntervalBar difference={lift.difference} low={lift.low} high={lift.high} label={t`Wrote, against held out`} />
        <Text size="xs" c="dimmed">
          {t`${count(lift.heldOut)} held out, ${count(lift.treated)} to get campaigns, of which ${count(lift.campaigns)} began in this time. Everybody counts as they were drawn, whatever became of their messages.`}
        </Text>
      </Stack>
    </Card>
  );
}

const hour = 3_600_000;
const startOfHour = (at: Date) => Math.floor(at.getTime() / hour) * hour;
