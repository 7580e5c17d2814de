import { t } from "@lingui/core/macro";
import { Card, Group, Progress, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "urql";
import { graphql } from "../../gql";
import { count, percent } from "../../lib/format";
import { real } from "../../lib/node";

const CampaignTapsDocument = graphql(`
  query CampaignTaps($id: ID!) {
    node(id: $id) {
      ... on Campaign {
        id
        taps {
          title
          people
        }
      }
    }
  }
`);

/** Which buttons people tapped, as shares of those whom the campaign reached. */
export function Taps(props: { id: string; delivered: number }) {
  const [{ data }] = useQuery({
    query: CampaignTapsDocument,
    variables: { id: props.id },
    requestPolicy: "cache-and-network",
  });
  const taps = real(data?.node, "Campaign")?.taps ?? [];
  if (taps.length === 0) return null;
  const share = (n: number) => (props.delivered > 0 ? n / props.delivered : 0);
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`Buttons`}</Title>
      <Stack gap="sm">
        {taps.map((tap) => (
          <div key={tap.title}>
            <Group justify="space-between" wrap="nowrap" gap="sm">
              <Text dir="auto" size="sm" fw={500} truncate>
                {tap.title}
              </Text>
              <Text
                size="sm"
                c="dimmed"
                style={{ whiteSpace: "nowrap" }}
              >{t`${count(tap.people)} · ${percent(share(tap.people))} of delivered`}</Text>
            </Group>
            <Progress value={Math.min(share(tap.people) * 100, 100)} size="sm" aria-label={t`Tapped “${tap.title}”`} />
          </div>
        ))}
      </Stack>
    </Card>
  );
}
