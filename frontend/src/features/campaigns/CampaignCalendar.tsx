import { t } from "@lingui/core/macro";
import { ActionIcon, Button, Card, Group, Text, Title, VisuallyHidden } from "@mantine/core";
import { IconChevronLeft, IconChevronRight, IconList, IconPlus } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { CSSProperties } from "react";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { LinkButton, Page, Rows, statusColor } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignCalendarQuery } from "../../gql/graphql";
import { useAddress } from "../../lib/address";
import { timeOnly, words } from "../../lib/format";
import { locale } from "../../lib/language";
import { dayKey, momentNamed } from "../../lib/zone";
import styles from "./CampaignCalendar.module.css";
import { byDay, daysOf, firstDayOf, monthOf, monthsLater, shownAt, utc } from "./calendar";
import { LabelBadges } from "./Labels";

const CampaignCalendarDocument = graphql(`
  query CampaignCalendar($from: DateTime!, $to: DateTime!) {
    campaignCalendar(from: $from, to: $to) {
      more
      starts {
        at
        planned
        local {
          date
          time
        }
        campaign {
          id
          name
          status
          labels
        }
      }
    }
  }
`);

type Start = CampaignCalendarQuery["campaignCalendar"]["starts"][number];

const monthName = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone: "UTC" });
const weekday = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" });
const wholeDay = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone: "UTC" });
/** The moment at which a day begins, a day earlier or later: what is local may start up to a day apart. */
const edge = (key: string, days: number) =>
  new Date((momentNamed(`${key}T00:00`)?.getTime() ?? 0) + days * 24 * 3_600_000).toISOString();

/** What was sent and what is planned, by day. */
export function CampaignCalendar() {
  const { search, change } = useAddress();
  const may = useMay("MARKETER");
  const month = monthOf(search.from);
  const days = daysOf(month, firstDayOf(locale));
  const [{ data, error, stale }, load] = useQuery({
    query: CampaignCalendarDocument,
    variables: { from: edge(days[0] ?? "", -1), to: edge(days.at(-1) ?? "", 2) },
    requestPolicy: "cache-and-network",
  });
  const go = (to: string | undefined) => change({ from: to }, { resetScroll: false });
  const today = dayKey(Date.now());
  const starts = byDay(data?.campaignCalendar.starts ?? []);
  const shown = days.some((d) => d.startsWith(month) && starts.has(d));
  return (
    <Page
      up={{ to: "/campaigns", label: t`Campaigns` }}
      title={t`Campaign calendar`}
      description={t`What was sent, and what is planned`}
      actions={
        <Group gap="xs">
          <LinkButton to="/campaigns" variant="default" leftSection={<IconList size={16} />}>{t`List`}</LinkButton>
          {may && <LinkButton to="/campaigns/new" leftSection={<IconPlus size={16} />}>{t`New campaign`}</LinkButton>}
        </Group>
      }
    >
      <Group gap="xs">
        <ActionIcon
          variant="default"
          size="lg"
          aria-label={t`Previous month`}
          onClick={() => go(monthsLater(month, -1))}
        >
          <IconChevronLeft size={18} />
        </ActionIcon>
        <ActionIcon variant="default" size="lg" aria-label={t`Next month`} onClick={() => go(monthsLater(month, 1))}>
          <IconChevronRight size={18} />
        </ActionIcon>
        <Title order={2} size="h4" aria-live="polite">
          {monthName.format(utc(`${month}-01`))}
        </Title>
        {!today.startsWith(month) && (
          <Button variant="subtle" size="compact-sm" onClick={() => go(undefined)}>{t`Today`}</Button>
        )}
      </Group>
      {error && !data ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data ? (
        <Rows />
      ) : (
        <Card padding={0} aria-busy={stale}>
          <div className={styles.weekdays} aria-hidden>
            {days.slice(0, 7).map((d) => (
              <span key={d}>{weekday.format(utc(d))}</span>
            ))}
          </div>
          <ol className={styles.days}>
            {days.map((d) => (
              <Day key={d} day={d} starts={starts.get(d) ?? []} today={d === today} outside={!d.startsWith(month)} />
            ))}
          </ol>
        </Card>
      )}
      {data && !shown && (
        <Text c="dimmed" ta="center">{t`No campaign started this month, and none is scheduled for it.`}</Text>
      )}
      {data?.campaignCalendar.more && (
        <Text size="sm" c="dimmed">{t`There are more than are shown here. The list has them all.`}</Text>
      )}
    </Page>
  );
}

function Day(props: { day: string; starts: Start[]; today: boolean; outside: boolean }) {
  const at = utc(props.day);
  const className = [
    styles.day,
    props.today && styles.today,
    props.outside && styles.outside,
    props.starts.length === 0 && styles.empty,
  ]
    .filter(Boolean)
    .join(" ");
  return (
    <li className={className} aria-current={props.today ? "date" : undefined}>
      <time dateTime={props.day}>
        <VisuallyHidden>{wholeDay.format(at)}</VisuallyHidden>
        <span className={styles.date} aria-hidden>
          <span className={styles.name}>{weekday.format(at)} </span>
          {at.getUTCDate()}
        </span>
      </time>
      {props.starts.length > 0 && (
        <ul className={styles.starts}>
          {props.starts.map((s) => (
            <li key={`${s.campaign.id} ${s.at}`}>
              <Link
                to="/campaigns/$id"
                params={{ id: s.campaign.id }}
                className={`${styles.start} ${s.planned ? styles.planned : ""}`}
                style={{ "--start": `var(--mantine-color-${statusColor(s.campaign.status)}-6)` } as CSSProperties}
              >
                <span>{s.campaign.name}</span>
                <Text component="small" size="xs" c="dimmed">
                  {[timeOnly(shownAt(s).toISOString()), s.local && t`local time`, words(s.campaign.status)]
                    .filter(Boolean)
                    .join(" · ")}
                </Text>
                {s.campaign.labels.length > 0 && (
                  <Group gap={4} mt={2}>
                    <LabelBadges labels={s.campaign.labels} />
                  </Group>
                )}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
