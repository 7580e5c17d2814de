import { plural, t } from "@lingui/core/macro";
import { Alert, Card, Group, SimpleGrid, Text, Title } from "@mantine/core";
import { Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { HealthStateFragment } from "../../gql/graphql";
import { capital, count } from "../../lib/format";

graphql(`
  fragment HealthState on SystemHealth {
    checks {
      name
      level
      detail
      advice
    }
    queues {
      name
      available
      running
      failed
    }
    webhooksPerMinute
    webhooksParked
    messagesUndecided
  }
`);

/** How each part of the engine fares, in one word first. */
export function Health({ of: h }: { of: HealthStateFragment }) {
  const troubled = h.checks.filter((c) => c.level !== "OK").length;
  const worst = h.checks.some((c) => c.level === "BAD") ? "BAD" : troubled > 0 ? "WARN" : "OK";
  return (
    <Card>
      <Group justify="space-between" mb="md">
        <Title order={2} size="h4">{t`Health`}</Title>
        <Status
          value={worst}
          label={
            troubled === 0
              ? t`All systems OK`
              : plural(troubled, { one: "# needs attention", other: "# need attention" })
          }
        />
      </Group>
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 3 }} spacing="xl" verticalSpacing="sm">
        {h.checks.map((c) => (
          <div key={c.name}>
            <Group gap="xs" wrap="nowrap">
              <Text size="sm" fw={600}>
                {c.name}
              </Text>
              {c.level !== "OK" && <Status value={c.level} label={c.level === "WARN" ? t`Warning` : t`Problem`} />}
            </Group>
            <Text size="sm" c="dimmed">
              {capital(c.detail)}
            </Text>
            {c.advice && (
              <Alert color={c.level === "BAD" ? "red" : "yellow"} mt="xs" p="xs">
                {c.advice}
              </Alert>
            )}
          </div>
        ))}
      </SimpleGrid>
      <Text size="xs" c="dimmed" mt="md">
        {[
          plural(h.webhooksPerMinute, {
            one: "# request from Twilio in the last minute",
            other: "# requests from Twilio in the last minute",
          }),
          h.queues.length === 0
            ? t`No background work`
            : t`Background work: ${h.queues.map((q) => t`${q.name} ${count(q.available)} waiting, ${count(q.running)} running`).join("; ")}`,
        ].join(" · ")}
      </Text>
    </Card>
  );
}
