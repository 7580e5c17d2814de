import { t } from "@lingui/core/macro";
import { Stack, Table } from "@mantine/core";
import type { CampaignPreflightQuery } from "../../gql/graphql";
import { count } from "../../lib/format";
import styles from "./BestHours.module.css";
import { hourText } from "./schedule";

type Outlook = NonNullable<CampaignPreflightQuery["campaignPreflight"]["bestHours"]>;

/** When recipients get what goes to each at their best hour: how many by what, and in which hours of the day. */
export function BestHours({ of }: { of: Outlook }) {
  const most = Math.max(...of.hours);
  const peak = hourText(of.hours.indexOf(most));
  const rows: [string, number][] = [
    [t`In an hour in which they usually read`, of.own],
    [
      t`When most of your contacts read: at ${hourText(of.workspaceHour ?? 0)} their time, or the next best hour that is allowed`,
      of.workspace,
    ],
    [
      t`At once: too little was read to tell, no such hour is allowed, or too little time is left before the end`,
      of.atOnce,
    ],
  ];
  return (
    <Stack gap="xs" data-testid="preflight-hours">
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t`When they get it`}</Table.Th>
            <Table.Th ta="right">{t`Contacts`}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows
            .filter(([, n]) => n > 0)
            .map(([label, n]) => (
              <Table.Tr key={label}>
                <Table.Td>{label}</Table.Td>
                <Table.Td ta="right">{count(n)}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
      {most > 0 && (
        <div>
          <div
            role="img"
            aria-label={t`By hour of the day, each by their own clock; most at ${peak}: ${count(most)}`}
            className={styles.bars}
          >
            {of.hours.map((n, hour) => (
              <div
                key={hourText(hour)}
                className={styles.bar}
                style={{ height: `${((n / most) * 100).toFixed(1)}%` }}
                title={`${hourText(hour)} · ${count(n)}`}
              />
            ))}
          </div>
          <div className={styles.hours} aria-hidden>
            {[0, 6, 12, 18].map((hour) => (
              <span key={hour}>{hourText(hour)}</span>
            ))}
          </div>
        </div>
      )}
    </Stack>
  );
}
