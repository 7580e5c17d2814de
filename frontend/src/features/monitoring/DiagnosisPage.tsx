import { t } from "@lingui/core/macro";
import { Alert, Box, Button, Card, Center, Flex, Loader, Stack, Text } from "@mantine/core";
import { useQuery } from "urql";
import { Failed } from "../../components/Failed";
import { Page, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { FindingState } from "../../gql/graphql";
import { count } from "../../lib/format";

const DiagnosisDocument = graphql(`
  query Diagnosis {
    diagnosis {
      check
      title
      state
      found
      advice
    }
  }
`);

const labels: Record<FindingState, string> = {
  FAILED: t`Failed`,
  WARNING: t`Warning`,
  OK: "OK",
  NOT_APPLICABLE: t`Not set up`,
};
const order: FindingState[] = ["FAILED", "WARNING", "OK", "NOT_APPLICABLE"];

/** Whether the installation is as it must be, with what to do where it is not. */
export function DiagnosisPage() {
  const [{ data, error, fetching, stale }, load] = useQuery({
    query: DiagnosisDocument,
    requestPolicy: "network-only",
  });
  const again = () => load({ requestPolicy: "network-only" });
  const busy = fetching || stale;
  const findings = [...(data?.diagnosis ?? [])].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const failed = findings.filter((f) => f.state === "FAILED").length;
  const warned = findings.filter((f) => f.state === "WARNING").length;
  return (
    <Page
      title={t`Health check`}
      up={{ to: "/monitoring", label: t`Monitoring` }}
      description={t`Configuration, Twilio, Postgres, disk, clocks, backups and mail. The command line has the same: server doctor.`}
      actions={<Button variant="default" onClick={again} loading={busy}>{t`Check again`}</Button>}
    >
      {error && !data && <Failed error={error} retry={again} />}
      {!data && !error && (
        <Center mih={200} aria-busy>
          <Stack align="center">
            <Loader aria-label={t`Loading`} />
            <Text size="sm" c="dimmed">{t`This takes up to ten seconds.`}</Text>
          </Stack>
        </Center>
      )}
      {data && (
        <Stack>
          <Alert color={failed ? "red" : warned ? "yellow" : "green"} role="status">
            {failed || warned ? t`${count(failed)} failed, ${count(warned)} with a warning.` : t`No problems found.`}
          </Alert>
          <Card>
            <Stack gap="md">
              {findings.map((f) => (
                <Flex
                  key={f.check}
                  direction={{ base: "column", sm: "row" }}
                  gap={{ base: 4, sm: "md" }}
                  data-check={f.check}
                >
                  <Box w={112} style={{ flexShrink: 0 }}>
                    <Status value={f.state} label={labels[f.state]} />
                  </Box>
                  <div style={{ minWidth: 0, overflowWrap: "anywhere" }}>
                    <Text fw={600} size="sm">
                      {f.title}
                    </Text>
                    <Text size="sm">{f.found}</Text>
                    {f.advice && (
                      <Text size="sm" c="dimmed">
                        {f.advice}
                      </Text>
                    )}
                  </div>
                </Flex>
              ))}
            </Stack>
          </Card>
        </Stack>
      )}
    </Page>
  );
}
