import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Alert, Anchor, Button, Card, Group, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Live, Stat, Status } from "../../components/ui";
import { contacts, count, duration, midSentence, sentence, words } from "../../lib/format";
import type { ImportState } from "./ImportRun";
import { Rejected } from "./Rejected";
import { WriteToThem } from "./WriteToThem";

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
          <Alert color="red" title={t`The import failed`}>
            {sentence(i.failure)}
          </Alert>
        )}
        {i.status === "COMPLETED" && (
          <Alert color="brand" title={t`Import completed`}>
            {i.messages ? brought(i.messages) : t`${contacts(i.created)} added, ${count(i.updated)} updated.`}
          </Alert>
        )}
        {i.status === "CANCELED" && (
          <Alert color="yellow" title={t`Import stopped`}>
            {plural(i.rowsDone, {
              one: "The first row of the file was imported. The others were not.",
              other: "The first # rows of the file were imported. The others were not.",
            })}
          </Alert>
        )}
        <Figures import={i} preview={false} />
        {i.doubleOptIn && i.optInRequests > 0 && (
          <Text size="sm">
            <Trans>
              {plural(i.optInRequests, {
                one: "# person is being asked on WhatsApp to confirm.",
                other: "# people are being asked on WhatsApp to confirm.",
              })}{" "}
              Until they say yes, campaigns leave them out.{" "}
              <Anchor
                inherit
                underline="always"
                renderRoot={(p) => <Link {...p} to="/compliance/$tab" params={{ tab: "double-opt-ins" }} />}
              >{t`See who has answered`}</Anchor>
            </Trans>
          </Text>
        )}
        {i.finishedAt && <Rejected id={i.id} run={i.finishedAt} rejected={i.rejected} url={i.rejectsUrl} />}
        <Group justify="flex-end">
          {i.finishedAt ? (
            <>
              <Button variant="default" onClick={props.onAgain}>{t`Import another file`}</Button>
              <Button variant="default" component={Link} to="/contacts">{t`View contacts`}</Button>
              {i.status === "COMPLETED" && <WriteToThem import={i} />}
            </>
          ) : (
            <Button variant="outline" color="red" onClick={props.onStop}>
              {plural(i.rowsDone, {
                one: "Stop and keep the # row imported so far",
                other: "Stop and keep the # rows imported so far",
              })}
            </Button>
          )}
        </Group>
      </Stack>
    </Card>
  );
}

/** What came in of a log of messages, or would, in a sentence. */
export const brought = (m: NonNullable<ImportState["messages"]>) =>
  t`${plural(m.sent, { one: "# message", other: "# messages" })} sent and ${count(m.received)} received, ${contacts(m.contacts)} not known before, ${plural(m.optOuts, { one: "# opt-out", other: "# opt-outs" })}.`;

/** How far a file is, while it is gone through. */
export function Running(props: { import: ImportState }) {
  const i = props.import;
  const share = i.sizeBytes ? (i.bytesDone / i.sizeBytes) * 100 : 100;
  return (
    <>
      {!i.finishedAt && <Progress value={share} animated aria-label={t`Progress of the import`} />}
      <Live>
        {plural(i.rowsDone, {
          one: `# row, ${midSentence(words(i.status))}`,
          other: `# rows, ${midSentence(words(i.status))}`,
        })}
      </Live>
    </>
  );
}

const messageFigures = (i: ImportState, preview: boolean) => [
  { label: preview ? t`Messages to be added` : t`Messages added`, n: i.created, testId: "created" },
  { label: t`Known already`, n: i.unchanged, hint: t`By their SIDs`, testId: "unchanged" },
  { label: t`Duplicates`, n: i.duplicates, testId: "duplicates" },
  { label: t`Opt-outs by SMS`, n: i.updated, testId: "updated" },
  { label: t`Rejected`, n: i.rejected, testId: "rejected" },
];

/** What became of the rows, or would. */
export function Figures(props: { import: ImportState; preview: boolean }) {
  const i = props.import;
  const seconds = i.startedAt
    ? (new Date(i.finishedAt ?? Date.now()).getTime() - new Date(i.startedAt).getTime()) / 1000
    : 0;
  const left =
    !i.finishedAt && seconds > 1 && i.bytesDone > 0
      ? t`${duration(((i.sizeBytes - i.bytesDone) * seconds) / i.bytesDone)} left`
      : undefined;
  const figures = i.messages
    ? messageFigures(i, props.preview)
    : [
        { label: props.preview ? t`To be added` : t`Added`, n: i.created, testId: "created" },
        { label: props.preview ? t`To be updated` : t`Updated`, n: i.updated, testId: "updated" },
        { label: t`Unchanged`, n: i.unchanged, testId: "unchanged" },
        { label: t`Duplicates`, n: i.duplicates, hint: t`The last row counts`, testId: "duplicates" },
        { label: t`Rejected`, n: i.rejected, testId: "rejected" },
      ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
      <Stat label={t`Rows`} value={count(i.rowsDone)} hint={left} testId="rows" />
      {figures.map((f) => (
        <Stat key={f.testId} label={f.label} value={count(f.n)} hint={f.hint} testId={f.testId} />
      ))}
    </SimpleGrid>
  );
}
