import { Alert, Button, FileInput, Group, Select, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import type { SuppressionImportMutation, SuppressionReason } from "../../gql/graphql";
import { byField, errorText } from "../../lib/errors";
import { count, counted, sentence, words } from "../../lib/format";
import { CountrySelect } from "../imports/OptionsForm";
import { firstOptions } from "../imports/wizard";
import { byHand } from "./lift";

const ImportDocument = graphql(`
  mutation SuppressionImport($input: SuppressionImportInput!) {
    suppressionImport(input: $input) {
      result {
        rows
        added
        unchanged
        duplicates
        rejected
        rejects {
          line
          value
          reason
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Result = NonNullable<SuppressionImportMutation["suppressionImport"]["result"]>;

/** Takes in a list of numbers that must not be written to, and tells what became of it. */
export function ImportSuppressions(props: { onImported: () => void; onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [reason, setReason] = useState<SuppressionReason>("OPTED_OUT");
  const [region, setRegion] = useState("");
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [result, setResult] = useState<Result | null>(null);
  const [{ fetching }, run] = useMutation(ImportDocument);
  const take = async () => {
    if (!file) return setWrong({ file: "Choose a file" });
    const answer = await run({ input: { file, reason, ...(region ? { region } : {}) } });
    if (answer.error) return setWrong({ file: sentence(errorText(answer.error)) });
    const split = byField(answer.data?.suppressionImport.userErrors ?? [], ["file", "reason"]);
    if (Object.keys(split.fields).length > 0 || split.rest) {
      return setWrong(split.rest ? { ...split.fields, file: split.rest } : split.fields);
    }
    setWrong({});
    setResult(answer.data?.suppressionImport.result ?? null);
    props.onImported();
  };
  if (result) return <Outcome of={result} onClose={props.onClose} />;
  return (
    <Stack>
      <FileInput
        label="File"
        description="CSV with a column phone, and optionally reason and until; or one number a line. At most 100,000 rows."
        placeholder="Choose a file"
        accept=".csv,.tsv,.txt,text/csv,text/plain"
        value={file}
        onChange={setFile}
        error={wrong.file}
      />
      <Select
        label="Reason"
        description="Of rows that name none. An opt-out is lifted by the person's own START."
        data={(["OPTED_OUT", ...byHand] as SuppressionReason[]).map((r) => ({ value: r, label: words(r) }))}
        value={reason}
        onChange={(v) => v && setReason(v as SuppressionReason)}
        error={wrong.reason}
        allowDeselect={false}
      />
      <CountrySelect value={{ ...firstOptions, region }} onChange={(o) => setRegion(o.region ?? "")} />
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onClose}>
          Cancel
        </Button>
        <Button onClick={take} loading={fetching}>
          Import
        </Button>
      </Group>
    </Stack>
  );
}

function Outcome(props: { of: Result; onClose: () => void }) {
  const r = props.of;
  return (
    <Stack>
      <Alert
        color={r.rejected > 0 ? "yellow" : "brand"}
        role="status"
        title={`${counted(r.added, "suppression", "suppressions")} added`}
      >
        {counted(r.rows, "row", "rows")}: {counted(r.unchanged, "was", "were")} there already,{" "}
        {counted(r.duplicates, "repeats", "repeat")} an earlier row, {count(r.rejected)} rejected.
      </Alert>
      {r.rejects.length > 0 && (
        <Table className="cards">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Line</Table.Th>
              <Table.Th>Value</Table.Th>
              <Table.Th>Why</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {r.rejects.map((no) => (
              <Table.Tr key={no.line}>
                <Table.Td data-label="Line">{no.line}</Table.Td>
                <Table.Td data-label="Value">{no.value || "–"}</Table.Td>
                <Table.Td data-label="Why">{sentence(no.reason)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {r.rejected > r.rejects.length && (
        <Text size="sm" c="dimmed">
          The first {count(r.rejects.length)} of {count(r.rejected)} are shown.
        </Text>
      )}
      <Group justify="flex-end">
        <Button onClick={props.onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
