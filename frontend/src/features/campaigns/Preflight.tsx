import { plural, t } from "@lingui/core/macro";
import { Alert, Button, Group, List, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import { useMutation, useQuery } from "urql";
import { Failed } from "../../components/Failed";
import { useFirst } from "../../components/First";
import { Rows, Stat } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignPreflightQuery } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import {
  clockIn,
  count,
  decimal,
  duration,
  languageName,
  midSentence,
  moment,
  moneyRange,
  sentence,
  skipText,
  words,
  zoneText,
} from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { BestHours } from "./BestHours";
import { CostTable } from "./Cost";
import { labelOf } from "./experiment";
import { CampaignLaunchDocument, undoSeconds } from "./launch";
import { waitsForApproval } from "./outcome";
import { TallyRows } from "./Tally";

const PreflightDocument = graphql(`
  query CampaignPreflight($id: ID!) {
    campaignPreflight(id: $id) {
      audience
      willSend
      deferred
      ratePerSecond
      seconds
      portfolio {
        people
        used
        waiting
        needed
        through
      }
      bestHours {
        own
        workspace
        atOnce
        workspaceHour
        hours
      }
      zones {
        zone
        contacts
      }
      withinWindow
      warnings
      skips {
        reason
        count
      }
      variants
      waitForWinner
      languages {
        language
        contacts
        approvalStatus
        otherCategory
      }
      needsApproval
      blockers {
        message
      }
      cost {
        ...CostEstimate
      }
    }
  }
`);

type Portfolio = NonNullable<CampaignPreflightQuery["campaignPreflight"]["portfolio"]>;

/** What WhatsApp's limit of people a day means for a launch: how much of it is used, and when all have been written to. */
function LimitNote({ of }: { of: Portfolio }) {
  const used = t`${count(of.used)} of ${count(of.people)} are used now`;
  const ahead = plural(of.waiting, {
    0: "",
    one: "# message of another campaign goes first",
    other: "# messages of other campaigns go first",
  });
  const fits = of.used + of.waiting + of.needed <= of.people;
  return (
    <Alert
      color={fits ? "gray" : "yellow"}
      title={plural(of.people, {
        one: "WhatsApp's limit: # person in 24 hours",
        other: "WhatsApp's limit: # people in 24 hours",
      })}
      data-testid="preflight-limit"
    >
      {[
        used,
        ahead,
        fits
          ? t`there is room for all whom this campaign writes to`
          : t`this campaign writes to ${count(of.needed)} more: the others wait for room, the last until about ${moment(of.through)}`,
      ]
        .filter(Boolean)
        .join("; ")}
      .
    </Alert>
  );
}

type Zone = CampaignPreflightQuery["campaignPreflight"]["zones"][number];

/** By whose clocks the recipients live, what time it is there, and to how many a conversation is open. */
function Zones({ of, withinWindow }: { of: readonly Zone[]; withinWindow: number }) {
  // Those by a name have the largest first; the others together may be more than all of them.
  const named = of.filter((z) => z.zone);
  const others = of.filter((z) => !z.zone);
  const [shown, more] = useFirst(
    5,
    named,
    plural(named.length, { one: "Show # time zone", other: "Show all # time zones" }),
  );
  return (
    <Table data-testid="preflight-zones">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t`Time zone`}</Table.Th>
          <Table.Th>{t`Now there`}</Table.Th>
          <Table.Th ta="right">{t`Contacts`}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {[...shown, ...others].map((z) => (
          <Table.Tr key={z.zone ?? ""}>
            <Table.Td>{z.zone ? zoneText(z.zone) : t`Others, or not known exactly`}</Table.Td>
            <Table.Td>{z.zone && clockIn(z.zone)}</Table.Td>
            <Table.Td ta="right">{count(z.contacts)}</Table.Td>
          </Table.Tr>
        ))}
        {more && (
          <Table.Tr>
            <Table.Td colSpan={3}>{more}</Table.Td>
          </Table.Tr>
        )}
      </Table.Tbody>
      <Table.Caption>
        {plural(withinWindow, {
          0: "None of them wrote within the last 24 hours: each message opens a conversation by its template.",
          one: "# of them wrote within the last 24 hours: their conversation is open already.",
          other: "# of them wrote within the last 24 hours: their conversations are open already.",
        })}
      </Table.Caption>
    </Table>
  );
}

/** The head of a table that tells of how many contacts something is so. */
const HowMany = (props: { of: string }) => (
  <Table.Thead>
    <Table.Tr>
      <Table.Th>{props.of}</Table.Th>
      <Table.Th ta="right">{t`Contacts`}</Table.Th>
    </Table.Tr>
  </Table.Thead>
);

const lookAgainMs = 5000;

/** What a launch would do now: how many get it, who is excluded and why, what forbids it; and the launch itself. */
export function Preflight(props: { id: string; onLaunched: () => void; children?: ReactNode }) {
  const [{ data, error, fetching }, ask] = useQuery({
    query: PreflightDocument,
    variables: { id: props.id },
    requestPolicy: "network-only",
  });
  const again = () => ask({ requestPolicy: "network-only" });
  // What forbids it often ends by itself, such as the wait for WhatsApp's approval: it is looked again until then.
  const blocked = (data?.campaignPreflight.blockers.length ?? 0) > 0;
  useEffect(() => {
    if (!blocked || fetching) return;
    const later = setTimeout(again, lookAgainMs);
    return () => clearTimeout(later);
  });
  const [launching, launch] = useMutation(CampaignLaunchDocument);
  if (error) return <Failed error={error} retry={again} />;
  if (!data) return <Rows n={4} />;
  const p = data.campaignPreflight;
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
        <Stat label={t`Audience`} value={count(p.audience)} testId="preflight-audience" />
        <Stat label={t`Will get it`} value={count(p.willSend)} testId="preflight-send" />
        <Stat
          label={t`Sending takes`}
          value={duration(p.seconds)}
          hint={[
            t`at ${decimal(p.ratePerSecond)}/s`,
            ...(p.bestHours && p.bestHours.own + p.bestHours.workspace > 0 ? [t`spread over a day`] : []),
            ...(p.deferred ? [t`${count(p.deferred)} sent when quiet hours end`] : []),
          ].join("; ")}
        />
        {p.cost && (
          <Stat
            label={t`Will cost`}
            value={moneyRange(p.cost.low, p.cost.high)}
            testId="preflight-cost"
            hint={t`if all get it`}
          />
        )}
      </SimpleGrid>
      {p.blockers.length > 0 && (
        <Alert color="red" title={t`Not ready to launch`} role="alert">
          <List size="sm">
            {p.blockers.map((b) => (
              <List.Item key={b.message}>{sentence(b.message)}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      {p.warnings.map((w) => (
        <Text key={w} size="sm">
          {sentence(w)}
        </Text>
      ))}
      {p.needsApproval && (
        <Alert color="yellow">
          {t`A second person has to approve this campaign before it starts. Launching it asks for that; it starts when they agree.`}
        </Alert>
      )}
      {p.skips.length > 0 && (
        <Table>
          <HowMany of={t`Excluded`} />
          <TallyRows of={p.skips} words={skipText} />
        </Table>
      )}
      {p.portfolio && <LimitNote of={p.portfolio} />}
      {p.bestHours && <BestHours of={p.bestHours} />}
      {p.cost && <CostTable cost={p.cost} />}
      {p.languages.length > 0 && (
        <Table>
          <HowMany of={t`Language`} />
          <Table.Tbody>
            {p.languages.map((l, i) => (
              <Table.Tr key={l.language}>
                <Table.Td>
                  {languageName(l.language)}
                  <Text span size="xs" c="dimmed">
                    {" "}
                    {[
                      i === 0 && t`and everybody whose language is not here`,
                      l.otherCategory && t`another category: nobody gets it`,
                      l.approvalStatus !== "APPROVED" && t`${midSentence(words(l.approvalStatus))}: nobody gets it yet`,
                    ]
                      .filter(Boolean)
                      .join("; ")}
                  </Text>
                </Table.Td>
                <Table.Td ta="right">{count(l.contacts)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {p.variants.length > 0 && (
        <Table aria-label={t`Variants`}>
          <HowMany of={t`Test`} />
          <Table.Tbody>
            {p.variants.map((n, i) => (
              <Table.Tr key={labelOf(i)}>
                <Table.Td>{t`Variant ${labelOf(i)}`}</Table.Td>
                <Table.Td ta="right">{count(n)}</Table.Td>
              </Table.Tr>
            ))}
            {p.waitForWinner > 0 && (
              <Table.Tr>
                <Table.Td>{t`Wait for the winner`}</Table.Td>
                <Table.Td ta="right">{count(p.waitForWinner)}</Table.Td>
              </Table.Tr>
            )}
          </Table.Tbody>
        </Table>
      )}
      {p.zones.length > 0 && <Zones of={p.zones} withinWindow={p.withinWindow} />}
      <Group justify="flex-end">
        {props.children}
        {p.blockers.length > 0 && (
          <Button variant="default" loading={fetching} onClick={again}>{t`Check again`}</Button>
        )}
        <Button
          disabled={p.blockers.length > 0}
          loading={launching.fetching}
          onClick={async () => {
            const result = await launch({ input: { id: props.id, undoSeconds } });
            if (!settled(result)) return;
            const launched = result.data?.campaignLaunch.campaign;
            if (launched && waitsForApproval(launched))
              notifications.show({ message: t`It starts when a second person has approved it`, color: "yellow" });
            props.onLaunched();
          }}
        >
          {p.needsApproval
            ? t`Ask for approval`
            : plural(p.willSend, { one: "Launch to # contact", other: "Launch to # contacts" })}
        </Button>
      </Group>
    </Stack>
  );
}
