import { t } from "@lingui/core/macro";
import { Card, Progress, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "urql";
import { graphql } from "../../gql";
import { count, languageName, percent } from "../../lib/format";
import { real } from "../../lib/node";
import { withFields } from "../../lib/placeholders";
import { useAttributes } from "../attributes/useAttributes";

const CampaignLinksDocument = graphql(`
  query CampaignLinks($id: ID!) {
    node(id: $id) {
      ... on Campaign {
        id
        links {
          part
          title
          templateName
          language
          destination
          people
          clicks
        }
      }
    }
  }
`);

/** The card of a button in a carousel, counted from 1; 0: it is none of a card. */
const cardOf = (part: string) => Number(/^cards\.(\d+)\./.exec(part)?.[1] ?? -1) + 1;

/** Which links people opened, as shares of those whom the campaign reached. */
export function Links(props: { id: string; delivered: number; counted: boolean }) {
  const [{ data }] = useQuery({
    query: CampaignLinksDocument,
    variables: { id: props.id },
    requestPolicy: "cache-and-network",
  });
  const attributes = useAttributes();
  const links = real(data?.node, "Campaign")?.links ?? [];
  if (links.length === 0) return null;
  const several = new Set(links.map((l) => l.language)).size > 1;
  const variants = new Set(links.map((l) => l.templateName)).size > 1;
  const share = (n: number) => (props.delivered > 0 ? n / props.delivered : 0);
  return (
    <Card padding={0}>
      <Title order={2} size="h4" px="lg" pt="md">{t`Links`}</Title>
      <Table className="cards" aria-label={t`Links`}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t`Button`}</Table.Th>
            <Table.Th>{t`Leads to`}</Table.Th>
            <Table.Th ta="right">{t`People`}</Table.Th>
            <Table.Th ta="right">{t`Clicks`}</Table.Th>
            <Table.Th>{t`Of delivered`}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {links.map((l) => (
            <Table.Tr key={`${l.templateName} ${l.language} ${l.part}`}>
              <Table.Td data-label={t`Button`}>
                <Stack gap={0}>
                  <Text dir="auto" size="sm" fw={500}>
                    {l.title}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {[
                      cardOf(l.part) > 0 && t`Card ${cardOf(l.part)}`,
                      variants && l.templateName,
                      several && languageName(l.language),
                    ]
                      .filter(Boolean)
                      .join(" · ")}
                  </Text>
                </Stack>
              </Table.Td>
              <Table.Td data-label={t`Leads to`} style={{ overflowWrap: "anywhere" }}>
                <Text size="sm">{withFields(l.destination, attributes)}</Text>
              </Table.Td>
              <Table.Td data-label={t`People`} ta="right">
                {count(l.people)}
              </Table.Td>
              <Table.Td data-label={t`Clicks`} ta="right">
                {count(l.clicks)}
              </Table.Td>
              <Table.Td data-label={t`Of delivered`} miw={120}>
                <Text size="sm">{percent(share(l.people))}</Text>
                <Progress value={Math.min(share(l.people) * 100, 100)} size="sm" aria-hidden />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="xs" c="dimmed" px="lg" pb="md" pt="xs">
        {props.counted
          ? t`Previews that WhatsApp and others make of a link are not counted.`
          : t`This campaign does not count clicks: its links work, but who opened them is not recorded.`}
      </Text>
    </Card>
  );
}
