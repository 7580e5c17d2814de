import { t } from "@lingui/core/macro";
import { Card, Table, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Status } from "../../components/ui";
import { count, moment } from "../../lib/format";
import type { CampaignDetails } from "./CampaignPage";

/** The runs of a recurring campaign. */
export function Runs(props: { runs: CampaignDetails["runs"] }) {
  return (
    <Card padding={0}>
      <Title order={2} size="h4" px="lg" pt="md">{t`Runs`}</Title>
      <Table className="cards">
        <Table.Thead>
          <Table.Tr>
            {[t`Run`, t`Status`, t`Audience`, t`Handed to WhatsApp`, t`Delivered`, t`Launched`].map((h) => (
              <Table.Th key={h}>{h}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.runs.map((r) => (
            <Table.Tr key={r.id}>
              <Table.Td data-label={t`Run`}>
                <Link to="/campaigns/$id" params={{ id: r.id }} className="plain">
                  {r.name}
                </Link>
              </Table.Td>
              <Table.Td data-label={t`Status`}>
                <Status value={r.status} />
              </Table.Td>
              <Table.Td data-label={t`Audience`}>{count(r.counts.audience)}</Table.Td>
              <Table.Td data-label={t`Handed to WhatsApp`}>{count(r.counts.accepted)}</Table.Td>
              <Table.Td data-label={t`Delivered`}>{count(r.counts.delivered)}</Table.Td>
              <Table.Td data-label={t`Launched`}>{moment(r.startedAt)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
