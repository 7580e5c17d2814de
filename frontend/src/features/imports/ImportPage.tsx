import { Alert, Anchor, Button, Card, Group, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconFileSpreadsheet, IconUpload } from "@tabler/icons-react";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { Page, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { errorText } from "../../lib/errors";
import { bytes, count, moment } from "../../lib/format";
import { ImportRun } from "./ImportRun";
import { firstOptions, OptionsForm, optionsInput } from "./OptionsForm";

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

export function ImportPage() {
  const [file, setFile] = useState<File | null>(null);
  const [options, setOptions] = useState(firstOptions);
  const [problem, setProblem] = useState("");
  const [running, setRunning] = useState<string | null>(null);
  const [{ fetching }, start] = useMutation(ContactImportDocument);
  const [{ data: history }, reload] = useQuery({ query: ImportsDocument });
  const submit = async (dryRun: boolean) => {
    if (!file) return;
    setProblem("");
    const result = await start({ input: { file, dryRun, ...optionsInput(options) } });
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
        <ImportRun
          id={running}
          options={options}
          onOptions={setOptions}
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
              <OptionsForm value={options} onChange={setOptions} />
              <Group justify="flex-end">
                <Button variant="default" onClick={() => submit(true)} disabled={!file} loading={fetching}>
                  Check first
                </Button>
                <Button onClick={() => submit(false)} disabled={!file} loading={fetching}>
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
                    <Status value={i.status} label={i.dryRun ? `Dry run, ${i.status.toLowerCase()}` : undefined} />
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
