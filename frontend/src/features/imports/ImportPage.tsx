import { t } from "@lingui/core/macro";
import "@mantine/dropzone/styles.css";

import { Alert, Anchor, Box, Button, Card, Group, Stack, Stepper, Table, Text, Title } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconFileSpreadsheet, IconUpload } from "@tabler/icons-react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { Page, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { useGoAfter } from "../../lib/address";
import { errorText, sentences } from "../../lib/errors";
import { bytes, count, moment, words } from "../../lib/format";
import { CountrySelect } from "./CountrySelect";
import { ImportRun } from "./ImportRun";
import { firstOptions, type Options, optionsInput } from "./wizard";

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
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const steps = [t`File`, t`Review`, t`Import`];

export function ImportPage() {
  const [file, setFile] = useState<File | null>(null);
  const [problem, setProblem] = useState("");
  const [imports, setImports] = useState(false);
  const navigate = useNavigate();
  const goAfter = useGoAfter();
  const running = useSearch({ strict: false }).id ?? null;
  // Of another import than the one that these were said of, the server knows what was said.
  const [said, setSaid] = useState<{ of: string | null; options: Options }>({ of: null, options: firstOptions });
  const options = said.of === running ? said.options : running ? null : firstOptions;
  const [{ fetching }, start] = useMutation(ContactImportDocument);
  const [{ data: history }, reload] = useQuery({ query: ImportsDocument });
  const set = (change: Partial<Options>) =>
    setSaid((s) => ({ of: running, options: { ...(s.of === running ? s.options : firstOptions), ...change } }));
  /** Uploads the file for a preview. Of a workbook a sheet may be chosen, whose columns say nothing of the one before. */
  const preview = async (o: Options, sheet?: string) => {
    if (!file) return;
    setProblem("");
    const go = goAfter();
    const result = await start({ input: { file, dryRun: true, sheet, ...optionsInput(o) } });
    const payload = result.data?.contactImport;
    const wrong = result.error ? errorText(result.error) : sentences(payload?.userErrors);
    if (wrong) return setProblem(wrong);
    const id = payload?.import?.id;
    if (!id) return;
    setSaid({ of: id, options: o });
    setImports(false);
    go({ to: "/contacts/import", search: { id } });
  };
  const again = () => {
    setFile(null);
    setSaid({ of: null, options: firstOptions });
    navigate({ to: "/contacts/import", search: {} });
    reload({ requestPolicy: "network-only" });
  };
  const refused = problem && (
    <Alert color="red" role="alert" title={t`This file cannot be imported`}>
      {problem}
    </Alert>
  );
  return (
    <Page
      up={{ to: "/contacts", label: t`Contacts` }}
      title={t`Import contacts`}
      description={t`From Google Contacts, Outlook, HubSpot, Twilio’s message log or a spreadsheet`}
    >
      <Stepper active={running ? (imports ? 2 : 1) : 0} size="sm" wrap={false} maw={560} className="steps">
        {steps.map((label) => (
          <Stepper.Step key={label} label={label} />
        ))}
      </Stepper>
      {running ? (
        <>
          {refused}
          <ImportRun
            key={running}
            id={running}
            options={options}
            onOptions={set}
            onSheet={
              file && options
                ? (sheet) => preview({ ...options, numbers: null, dateOrder: null, consent: null }, sheet)
                : undefined
            }
            switching={fetching}
            onStep={setImports}
            onAgain={again}
          />
        </>
      ) : (
        <Card>
          <Stack>
            <Dropzone
              onDrop={(files) => {
                setFile(files[0] ?? null);
                setProblem("");
              }}
              multiple={false}
              maxSize={1 << 30}
              inputProps={{ "aria-label": t`File of contacts` }}
            >
              <Stack align="center" gap="xs" py="lg" style={{ pointerEvents: "none" }}>
                {file ? <IconFileSpreadsheet size={40} stroke={1.4} /> : <IconUpload size={40} stroke={1.4} />}
                <Text fw={550} ta="center" style={{ overflowWrap: "anywhere" }}>
                  {file ? file.name : t`Choose a file or drop it here`}
                </Text>
                <Text size="sm" c="dimmed" ta="center">
                  {file
                    ? bytes(file.size)
                    : t`CSV, Excel, vCard or JSON, also compressed, up to 1 GB. Columns, separator and encoding are detected.`}
                </Text>
              </Stack>
            </Dropzone>
            {refused}
            <Box maw={520}>
              <CountrySelect value={options ?? firstOptions} onChange={set} />
            </Box>
            <Group justify="space-between" gap="sm">
              <Text
                size="sm"
                c="dimmed"
              >{t`You will see a preview first. Nothing is imported before you confirm it.`}</Text>
              <Button
                onClick={() => preview(options ?? firstOptions)}
                disabled={!file}
                loading={fetching}
              >{t`Continue`}</Button>
            </Group>
          </Stack>
        </Card>
      )}
      {!running && history && history.imports.nodes.length > 0 && (
        <Card padding={0}>
          <Title order={2} size="h4" px="lg" pt="md">{t`Recent imports`}</Title>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t`File`}</Table.Th>
                <Table.Th>{t`Date`}</Table.Th>
                <Table.Th>{t`Status`}</Table.Th>
                {[t`Rows`, t`Added`, t`Updated`, t`Unchanged or duplicate`, t`Rejected`].map((h) => (
                  <Table.Th key={h} ta="right">
                    {h}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {history.imports.nodes.map((i) => (
                <Table.Tr key={i.id}>
                  <Table.Td data-label={t`File`}>
                    <Anchor size="sm" renderRoot={(p) => <Link {...p} to="/contacts/import" search={{ id: i.id }} />}>
                      {i.fileName}
                    </Anchor>
                  </Table.Td>
                  <Table.Td data-label={t`Date`}>{moment(i.createdAt)}</Table.Td>
                  <Table.Td data-label={t`Status`}>
                    <Status
                      value={i.dryRun ? "PENDING" : i.status}
                      label={i.dryRun ? t`Preview only` : words(i.status)}
                    />
                  </Table.Td>
                  <Table.Td data-label={t`Rows`} ta="right">
                    {count(i.rowsDone)}
                  </Table.Td>
                  <Table.Td data-label={t`Added`} ta="right">
                    {i.dryRun ? "–" : count(i.created)}
                  </Table.Td>
                  <Table.Td data-label={t`Updated`} ta="right">
                    {i.dryRun ? "–" : count(i.updated)}
                  </Table.Td>
                  <Table.Td data-label={t`Unchanged or duplicate`} ta="right">
                    {i.dryRun ? "–" : count(i.unchanged + i.duplicates)}
                  </Table.Td>
                  <Table.Td data-label={t`Rejected`} ta="right">
                    {i.rejectsUrl ? (
                      <Anchor href={i.rejectsUrl} download size="sm">{t`${count(i.rejected)} · Download`}</Anchor>
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
