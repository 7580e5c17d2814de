import {
  Alert,
  Anchor,
  Button,
  Card,
  Group,
  Progress,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconFileSpreadsheet, IconUpload } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery, useSubscription } from "urql";
import { Live, Page, Stat, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ImportConsentSource, ImportMode } from "../../gql/graphql";
import { errorText } from "../../lib/errors";
import { bytes, count, decimal, moment } from "../../lib/format";

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
  }
`);

const ImportsDocument = graphql(`
  query Imports {
    imports(first: 10) {
      nodes {
        ...ImportState
      }
    }
  }
`);

const ContactImportDocument = graphql(`
  mutation ContactImport($input: ContactImportInput!) {
    contactImport(input: $input) {
      import {
        ...ImportState
        columns {
          name
          field
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const ImportProgressDocument = graphql(`
  subscription ImportProgress($id: ID!) {
    importProgress(id: $id) {
      ...ImportState
      columns {
        name
        field
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

export function ImportPage() {
  const [file, setFile] = useState<File | null>(null);
  const [mode, setMode] = useState<ImportMode>("UPSERT");
  const [consent, setConsent] = useState<ImportConsentSource>("COLUMNS");
  const [consentText, setConsentText] = useState("");
  const [region, setRegion] = useState("");
  const [problem, setProblem] = useState("");
  const [running, setRunning] = useState<string | null>(null);
  const [{ fetching }, start] = useMutation(ContactImportDocument);
  const [{ data: history }, reload] = useQuery({ query: ImportsDocument });
  const submit = async () => {
    if (!file) return;
    setProblem("");
    const result = await start({
      input: { file, mode, consentSource: consent, consentText: consentText || null, defaultRegion: region || null },
    });
    if (result.error) return setProblem(errorText(result.error));
    const payload = result.data?.contactImport;
    if (payload?.userErrors.length) return setProblem(payload.userErrors.map((e) => e.message).join("; "));
    setRunning(payload?.import?.id ?? null);
  };
  return (
    <Page
      title="Import contacts"
      description="CSV, Excel, JSON or NDJSON, also gzipped, up to 1 GB. Numbers in any spelling; every rejected row tells why."
    >
      {running ? (
        <Running
          id={running}
          onAgain={() => {
            setRunning(null);
            setFile(null);
            reload({ requestPolicy: "network-only" });
          }}
        />
      ) : (
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <Card>
            <Title order={2} size="h4" mb="sm">
              1. The file
            </Title>
            <Dropzone
              onDrop={(files) => {
                setFile(files[0] ?? null);
                setProblem("");
              }}
              multiple={false}
              maxSize={1 << 30}
              inputProps={{ "aria-label": "File of contacts" } as never}
            >
              <Stack align="center" gap="xs" py="lg" style={{ pointerEvents: "none" }}>
                {file ? <IconFileSpreadsheet size={40} stroke={1.4} /> : <IconUpload size={40} stroke={1.4} />}
                <Text fw={550} ta="center">
                  {file ? file.name : "Drop a file here, or press to choose one"}
                </Text>
                <Text size="sm" c="dimmed">
                  {file ? bytes(file.size) : "Columns, separator and encoding are found out"}
                </Text>
              </Stack>
            </Dropzone>
            {problem && (
              <Alert color="red" mt="md" role="alert" title="This file was not taken">
                {problem}
              </Alert>
            )}
          </Card>
          <Card>
            <Stack>
              <Title order={2} size="h4">
                2. How to read it
              </Title>
              <Select
                label="Known contacts"
                value={mode}
                onChange={(v) => setMode((v as ImportMode | null) ?? "UPSERT")}
                data={[
                  { value: "UPSERT", label: "Add new ones, update known ones" },
                  { value: "CREATE_ONLY", label: "Add new ones, leave known ones as they are" },
                  { value: "UPDATE_ONLY", label: "Update known ones only" },
                ]}
                allowDeselect={false}
              />
              <TextInput
                label="Country of national numbers"
                description="Two letters, where the row has no country of its own"
                placeholder="DE"
                value={region}
                onChange={(e) => setRegion(e.currentTarget.value.toUpperCase())}
                maxLength={2}
                w={260}
              />
              <Radio.Group
                label="Consent"
                description="Who has not agreed gets no campaign. Nobody who opted out comes back without newer proof."
                value={consent}
                onChange={(v) => setConsent(v as ImportConsentSource)}
              >
                <Stack gap="xs" mt="xs">
                  <Radio value="COLUMNS" label="As the file's consent columns say, row by row" />
                  <Radio value="ALL" label="Everybody in this file agreed" />
                  <Radio value="NONE" label="Record none" />
                </Stack>
              </Radio.Group>
              {consent === "ALL" && (
                <Textarea
                  label="What did they agree to, and where?"
                  description="Kept as evidence with each contact"
                  value={consentText}
                  onChange={(e) => setConsentText(e.currentTarget.value)}
                />
              )}
              <Group justify="flex-end">
                <Button onClick={submit} disabled={!file} loading={fetching}>
                  Import
                </Button>
              </Group>
            </Stack>
          </Card>
        </SimpleGrid>
      )}
      {history && history.imports.nodes.length > 0 && (
        <Card padding={0}>
          <Title order={2} size="h4" p="md" pb={0}>
            History
          </Title>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                {["File", "When", "Status", "Rows", "Created", "Updated", "Rejected"].map((h) => (
                  <Table.Th key={h}>{h}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {history.imports.nodes.map((i) => (
                <Table.Tr key={i.id}>
                  <Table.Td data-label="File">{i.fileName}</Table.Td>
                  <Table.Td data-label="When">{moment(i.createdAt)}</Table.Td>
                  <Table.Td data-label="Status">
                    <Status value={i.status} />
                  </Table.Td>
                  <Table.Td data-label="Rows">{count(i.rowsDone)}</Table.Td>
                  <Table.Td data-label="Created">{count(i.created)}</Table.Td>
                  <Table.Td data-label="Updated">{count(i.updated)}</Table.Td>
                  <Table.Td data-label="Rejected">
                    {i.rejectsUrl ? (
                      <Anchor href={i.rejectsUrl} download size="sm">
                        {count(i.rejected)}, download
                      </Anchor>
                    ) : (
                      count(i.rejected)
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Card>
      )}
    </Page>
  );
}

function Running(props: { id: string; onAgain: () => void }) {
  const [{ data, error }] = useSubscription({ query: ImportProgressDocument, variables: { id: props.id } });
  const [, cancel] = useMutation(CancelDocument);
  const i = data?.importProgress;
  if (error) return <Alert color="red">{errorText(error)}</Alert>;
  if (!i) return <Progress value={0} animated aria-label="Progress of the import" />;
  const share = i.sizeBytes ? (i.bytesDone / i.sizeBytes) * 100 : 100;
  const seconds = i.startedAt
    ? (new Date(i.finishedAt ?? Date.now()).getTime() - new Date(i.startedAt).getTime()) / 1000
    : 0;
  return (
    <Card>
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h4">
            {i.fileName}
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
        <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
          <Stat
            label="Rows"
            value={count(i.rowsDone)}
            hint={seconds > 0 ? `${decimal(i.rowsDone / seconds)} a second` : undefined}
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
                <Anchor href={i.rejectsUrl} download>
                  Download all to mend and import again
                </Anchor>
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
        <Group justify="flex-end">
          {i.finishedAt ? (
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
