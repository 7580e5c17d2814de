import { Alert, Anchor, Button, Card, Group, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Live, Stat, Status } from "../../components/ui";
import { count, counted, duration, sentence } from "../../lib/format";
import type { ImportState } from "./ImportRun";
import { Rejected } from "./Rejected";
import { contacts } from "./wizard";

/** An import for good: how far it is, and what became of the rows. */
export function Outcome(props: { import: ImportState; onStop: () => void; onAgain: () => void }) {
  const i = props.import;
  return (
    <Card>
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h4">
            {i.fileName}
          </Title>
          <Status value={i.status} />
        </Group>
        <Running import={i} />
        {i.failure && (
          <Alert color="red" title="The import failed">
            {sentence(i.failure)}
          </Alert>
        )}
        {i.status === "COMPLETED" && (
          <Alert color="brand" title="Import completed">
            {i.messages ? brought(i.messages) : `${contacts(i.created)} added, ${count(i.updated)} updated.`}
          </Alert>
        )}
        {i.status === "CANCELED" && (
          <Alert color="yellow" title="Import stopped">
            The first {count(i.rowsDone)} rows of the file were imported. The others were not.
          </Alert>
        )}
        <Figures import={i} preview={false} />
        {i.doubleOptIn && i.optInRequests > 0 && (
          <Text size="sm">
            {counted(i.optInRequests, "person is", "people are")} being asked on WhatsApp to confirm. Until they say
            yes, campaigns leave them out.{" "}
            <Anchor
              inherit
              underline="always"
              renderRoot={(p) => <Link {...p} to="/compliance" search={{ status: "double-opt-ins" }} />}
            >
              See who has answered
            </Anchor>
          </Text>
        )}
        {i.finishedAt && <Rejected id={i.id} run={i.finishedAt} rejected={i.rejected} url={i.rejectsUrl} />}
        <Group justify="flex-end">
          {i.finishedAt ? (
            <>
              <Button variant="default" onClick={props.onAgain}>
                Import another file
              </Button>
              <Button component={Link} to="/contacts">
                View contacts
              </Button>
            </>
          ) : (
            <Button variant="outline" color="red" onClick={props.onStop}>
              Stop and keep the {count(i.rowsDone)} rows imported so far
            </Button>
          )}
        </Group>
      </Stack>
    </Card>
  );
}

/** What came in of a log of messages, or would, in a sentence. */
export const brought = (m: NonNullable<ImportState["messages"]>) =>
  `${counted(m.sent, "message", "messages")} sent and ${count(m.received)} received, ` +
  `${contacts(m.contacts)} not known before, ${counted(m.optOuts, "opt-out", "opt-outs")}.`;

/** How far a file is, while it is gone through. */
export function Running(props: { import: ImportState }) {
  const i = props.import;
  const share = i.sizeBytes ? (i.bytesDone / i.sizeBytes) * 100 : 100;
  return (
    <>
      {!i.finishedAt && <Progress value={share} animated aria-label="Progress of the import" />}
      <Live>
        {count(i.rowsDone)} rows, {i.status.toLowerCase()}
      </Live>
    </>
  );
}

const messageFigures = (i: ImportState, preview: boolean) => [
  { label: preview ? "Messages to be added" : "Messages added", n: i.created, testId: "created" },
  { label: "Known already", n: i.unchanged, hint: "By their SIDs", testId: "unchanged" },
  { label: "Duplicates", n: i.duplicates, testId: "duplicates" },
  { label: "Opt-outs by SMS", n: i.updated, testId: "updated" },
  { label: "Rejected", n: i.rejected, testId: "rejected" },
];

/** What became of the rows, or would. */
export function Figures(props: { import: ImportState; preview: boolean }) {
  const i = props.import;
  const seconds = i.startedAt
    ? (new Date(i.finishedAt ?? Date.now()).getTime() - new Date(i.startedAt).getTime()) / 1000
    : 0;
  const left =
    !i.finishedAt && seconds > 1 && i.bytesDone > 0
      ? `${duration(((i.sizeBytes - i.bytesDone) * seconds) / i.bytesDone)} left`
      : undefined;
  const figures = i.messages
    ? messageFigures(i, props.preview)
    : [
        { label: props.preview ? "To be added" : "Added", n: i.created, testId: "created" },
        { label: props.preview ? "To be updated" : "Updated", n: i.updated, testId: "updated" },
        { label: "Unchanged", n: i.unchanged, testId: "unchanged" },
        { label: "Duplicates", n: i.duplicates, hint: "The last row counts", testId: "duplicates" },
        { label: "Rejected", n: i.rejected, testId: "rejected" },
      ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
      <Stat label="Rows" value={count(i.rowsDone)} hint={left} testId="rows" />
      {figures.map((f) => (
        <Stat key={f.testId} label={f.label} value={count(f.n)} hint={f.hint} testId={f.testId} />
      ))}
    </SimpleGrid>
  );
}
