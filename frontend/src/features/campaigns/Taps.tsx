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
      <Title order={2} size="h4" mb="sm">
        Buttons
      </Title>
      <Stack gap="sm">
        {taps.map((t) => (
          <div key={t.title}>
            <Group justify="space-between" wrap="nowrap" gap="sm">
              <Text size="sm" fw={500} truncate>
                {t.title}
              </Text>
              <Text size="sm" c="dimmed" style={{ whiteSpace: "nowrap" }}>
                {count(t.people)} · {percent(share(t.people))} of delivered
              </Text>
            </Group>
            <Progress value={Math.min(share(t.people) * 100, 100)} size="sm" aria-label={`Tapped “${t.title}”`} />
          </div>
        ))}
      </Stack>
    </Card>
  );
}
