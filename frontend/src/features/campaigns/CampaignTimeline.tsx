import { t } from "@lingui/core/macro";
import { SegmentedControl } from "@mantine/core";
import { useThrottledValue } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { DeliveryChart } from "../../components/DeliveryChart";
import { Failed } from "../../components/Failed";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignTimelineQuery } from "../../gql/graphql";
import { fitting, spanOf } from "../../lib/bars";
import { real } from "../../lib/node";
import { zoneName } from "../../lib/zone";

const TimelineDocument = graphql(`
  query CampaignTimeline($id: ID!, $zone: String!, $hours: Int) {
    node(id: $id) {
      ... on Campaign {
        id
        series(zone: $zone, hours: $hours) {
          at
          seconds
          accepted
          delivered
          read
          clicked
          failed
        }
      }
    }
  }
`);

const spans = [
  { value: "1", label: t`First hour` },
  { value: "24", label: t`First day` },
  { value: "168", label: t`First week` },
];

/**
 * What happened when. Receipts come in for days after all was sent within minutes: then the beginning is shown, and the
 * whole time on request. Read anew when what is counted has changed.
 */
export function CampaignTimeline(props: { id: string; changed: number }) {
  const changed = useThrottledValue(props.changed, 2000);
  const [asked, setAsked] = useState<string | null>(null);
  const [all, loadAll] = useQuery({
    query: TimelineDocument,
    variables: { id: props.id, zone: zoneName(), hours: null },
    requestPolicy: "cache-and-network",
  });
  const whole = stepsOf(all.data);
  const hours = asked === "all" ? null : asked ? Number(asked) : whole ? fitting(whole) : null;
  const [part, loadPart] = useQuery({
    query: TimelineDocument,
    variables: { id: props.id, zone: zoneName(), hours },
    pause: hours === null,
    requestPolicy: "cache-and-network",
  });
  useEffect(() => {
    loadAll({ requestPolicy: "network-only" });
    if (hours !== null) loadPart({ requestPolicy: "network-only" });
  }, [changed, hours]);
  if (all.error && !whole) return <Failed error={all.error} retry={() => loadAll({ requestPolicy: "network-only" })} />;
  if (!whole) return <Rows n={3} />;
  const span = spanOf(whole);
  const longer = spans.filter((s) => span.to - span.from > Number(s.value) * 3_600_000);
  const shown = hours === null ? whole : (stepsOf(part.data) ?? whole);
  return (
    <DeliveryChart
      title={t`Over time`}
      steps={shown}
      controls={
        longer.length > 0 && (
          <SegmentedControl
            aria-label={t`Part of the time`}
            size="xs"
            data={[...longer, { value: "all", label: t`All of it` }]}
            value={hours === null ? "all" : String(hours)}
            onChange={setAsked}
          />
        )
      }
    />
  );
}

const stepsOf = (data: CampaignTimelineQuery | undefined) => real(data?.node, "Campaign")?.series;
