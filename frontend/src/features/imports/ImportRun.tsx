import {
  Alert,
  Anchor,
  Button,
  Card,
  Group,
  Progress,
  Select,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Title,
} from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useMutation, useSubscription } from "urql";
import { Live, Stat, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { errorText, payloadOf } from "../../lib/errors";
import { count, duration } from "../../lib/format";
import { type Options, OptionsForm, optionsInput } from "./OptionsForm";

graphql(`
  fragment ImportState on Import {
    id
    fileName
    status
    failure
    sizeBytes
    bytesDone
    rowsTotal
    rowsDone
    created
    updated
    unchanged
    duplicates
    rejected
    rejectsUrl
    startedAt
    finishedAt
    createdAt
    dryRun
    mode
  }
`);

const ImportProgressDocument = graphql(`
  subscription ImportProgress($id: ID!) {
    importProgress(id: $id) {
      ...ImportState
      columns {
        name
        field
        samples
      }
      rejects(first: 10) {
        row
        line
        field
        value
        reason
      }
    }
  }
`);

const ConfirmDocument = graphql(`
  mutation ContactImportConfirm($input: ContactImportConfirmInput!) {
    contactImportConfirm(input: $input) {
      import {
        ...ImportState
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const CancelDocument = graphql(`
  mutation ContactImportCancel($input: ContactImportCancelInput!) {
    contactImportCancel(input: $input) {
      import {
        id
        status
      }
      userErrors {
        message
      }
    }
  }
`);

/** An import under way or done; of a dry run also what to change before it is made real. */
export function ImportRun(props: {
  id: string;
  options: Options;
  onOptions: (o: Options) => void;
  onAgain: () => void;
}) {
  const [restarting, setRestarting] = useState(false);
  const [problem, setProblem] = useState("");
  const [{ data, error }] = useSubscription({
    query: ImportProgressDocument,
    variables: { id: props.id },
    pause: restarting,
  });
  const [, cancel] = useMutation(CancelDocument);
  const [, confirm] = useMutation(ConfirmDocument);
  const again = async (dryRun: boolean, mapping: { name: string; field: string }[]) => {
    setRestarting(true); // the subscription ended with the run before; a new one follows the next
    const result = await confirm({ input: { id: props.id, dryRun, mapping, ...optionsInput(props.options) } });
    const wrong = payloadOf(result.data)?.userErrors ?? [];
    setProblem(result.error ? errorText(result.error) : wrong.map((e) => e.message).join("; "));
    setRestarting(false);
  };
  const i = data?.importProgress;
  if (error) return <Alert color="red">{errorText(error)}</Alert>;
  if (!i) return <Progress value={0} animated aria-label="Progress of the import" />;
  const share = i.sizeBytes ? (i.bytesDone / i.sizeBytes) * 100 : 100;
  const seconds = i.startedAt
    ? (new Date(i.finishedAt ?? Date.now()).getTime() - new Date(i.startedAt).getTime()) / 1000
    : 0;
  const left =
    !i.finishedAt && seconds > 1 && i.bytesDone > 0
      ? `, ${duration(((i.sizeBytes - i.bytesDone) * seconds) / i.bytesDone)} left`
      : "";
  return (
    <Card>
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h4">
            {i.dryRun ? `${i.fileName}: what would come of it` : i.fileName}
          </Title>
          <Status value={i.status} />
        </Group>
        <Progress
          value={i.status === "COMPLETED" ? 100 : share}
          animated={!i.finishedAt}
          aria-label="Progress of the import"
        />
        <Live>
          {count(i.rowsDone)} rows, {i.status.toLowerCase()}
        </Live>
        {i.failure && <Alert color="red">{i.failure}</Alert>}
        {i.dryRun && i.status === "COMPLETED" && (
          <Alert color="blue" title="Nothing is written yet">
            Look at the figures and at how the columns are read; then import, or change something and check again.
          </Alert>
        )}
        <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
          <Stat
            label="Rows"
            value={count(i.rowsDone)}
            hint={seconds > 0 ? `${count(Math.round(i.rowsDone / seconds))} a second${left}` : undefined}
            testId="rows"
          />
          <Stat label="Created" value={count(i.created)} testId="created" />
          <Stat label="Updated" value={count(i.updated)} testId="updated" />
          <Stat label="Unchanged" value={count(i.unchanged)} testId="unchanged" />
          <Stat label="Duplicates" value={count(i.duplicates)} hint="the last row wins" testId="duplicates" />
          <Stat label="Rejected" value={count(i.rejected)} testId="rejected" />
        </SimpleGrid>
        {i.rejects.length > 0 && (
          <>
            <Group justify="space-between">
              <Title order={3} size="h5">
                Rejected rows
              </Title>
              {i.rejectsUrl && i.finishedAt && (
                <Group gap="xs">
                  <Anchor href={i.rejectsUrl} download>
                    Download all to correct and import again
                  </Anchor>
                  <Anchor href={i.rejectsUrl.replace(/csv$/, "xlsx")} download>
                    As an Excel workbook
                  </Anchor>
                </Group>
              )}
            </Group>
            <Table className="cards">
              <Table.Thead>
                <Table.Tr>
                  {["Row", "Line", "Value", "Reason"].map((h) => (
                    <Table.Th key={h}>{h}</Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {i.rejects.map((r) => (
                  <Table.Tr key={r.row}>
                    <Table.Td data-label="Row">{count(r.row)}</Table.Td>
                    <Table.Td data-label="Line">{count(r.line)}</Table.Td>
                    <Table.Td data-label="Value">{r.value || "(empty)"}</Table.Td>
                    <Table.Td data-label="Reason">{r.reason}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </>
        )}
        {i.dryRun && i.finishedAt && (
          <Columns key={i.finishedAt} columns={i.columns} onAgain={again}>
            <OptionsForm value={props.options} onChange={props.onOptions} />
            {problem && (
              <Alert color="red" mt="md" role="alert">
                {problem}
              </Alert>
            )}
          </Columns>
        )}
        <Group justify="flex-end">
          {i.finishedAt && i.dryRun ? (
            <Button variant="subtle" onClick={props.onAgain}>
              Leave it
            </Button>
          ) : i.finishedAt ? (
            <>
              <Button variant="default" onClick={props.onAgain}>
                Import another file
              </Button>
              <Button component={Link} to="/contacts">
                To the contacts
              </Button>
            </>
          ) : (
            <Button variant="outline" color="red" onClick={() => cancel({ input: { id: i.id } })}>
              Stop; keep the {count(i.rowsDone)} rows done
            </Button>
          )}
        </Group>
      </Stack>
    </Card>
  );
}

const fieldNames = [
  { value: "address", label: "Phone number" },
  { value: "name", label: "Name" },
  { value: "first_name", label: "First name" },
  { value: "last_name", label: "Last name" },
  { value: "region", label: "Country of the number" },
  { value: "locale", label: "Language" },
  { value: "time_zone", label: "Time zone" },
  { value: "consent", label: "Consent" },
  { value: "consent_at", label: "Consent given at" },
  { value: "topics", label: "Topics" },
];

/** What a header becomes as an attribute's key: as the server makes it. */
const keyOf = (header: string) =>
  header
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 64);

/** How each column is read, to be corrected. */
function Columns(props: {
  columns: readonly { name: string; field: string; samples: readonly string[] }[];
  onAgain: (dryRun: boolean, mapping: { name: string; field: string }[]) => void;
  children: ReactNode;
}) {
  const [chosen, setChosen] = useState<Record<string, string>>(
    Object.fromEntries(props.columns.map((c) => [c.name, c.field])),
  );
  const mapping = () => props.columns.map((c) => ({ name: c.name, field: chosen[c.name] ?? "" }));
  return (
    <Stack>
      <Title order={3} size="h5">
        How the columns are read
      </Title>
      <Table className="cards">
        <Table.Thead>
          <Table.Tr>
            {["Column", "For example", "Becomes"].map((h) => (
              <Table.Th key={h}>{h}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.columns.map((c) => {
            const field = chosen[c.name] ?? "";
            const attribute = field.startsWith("attributes.") ? field : `attributes.${keyOf(c.name)}`;
            return (
              <Table.Tr key={c.name}>
                <Table.Td data-label="Column">{c.name}</Table.Td>
                <Table.Td data-label="For example">
                  <Text size="sm" c="dimmed" lineClamp={1} maw={360}>
                    {c.samples.join(" · ") || "always empty"}
                  </Text>
                </Table.Td>
                <Table.Td data-label="Becomes">
                  <Select
                    aria-label={`What ${c.name} becomes`}
                    size="xs"
                    data={[
                      ...fieldNames,
                      { value: attribute, label: `Attribute ${attribute.slice("attributes.".length)}` },
                      { value: "", label: "Left out" },
                    ]}
                    value={field}
                    onChange={(v) => setChosen({ ...chosen, [c.name]: v ?? "" })}
                    allowDeselect={false}
                    w={230}
                  />
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      <Card withBorder>{props.children}</Card>
      <Group justify="flex-end">
        <Button variant="default" onClick={() => props.onAgain(true, mapping())}>
          Check again
        </Button>
        <Button onClick={() => props.onAgain(false, mapping())}>Import for good</Button>
      </Group>
    </Stack>
  );
}
