import { plural, t } from "@lingui/core/macro";
import { Alert, Button, FileInput, Group, Select, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import type { SuppressionImportMutation, SuppressionReason } from "../../gql/graphql";
import { byField, errorText } from "../../lib/errors";
import { count, sentence, words } from "../../lib/format";
import { CountrySelect } from "../imports/CountrySelect";
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
    if (!file) return setWrong({ file: t`Choose a file` });
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
        label={t`File`}
        description={t`CSV with a column phone, and optionally reason and until; or one number a line. At most 100,000 rows.`}
        placeholder={t`Choose a file`}
        accept=".csv,.tsv,.txt,text/csv,text/plain"
        value={file}
        onChange={setFile}
        error={wrong.file}
      />
      <Select
        label={t`Reason`}
        description={t`Of rows that name none. An opt-out is lifted by the person's own START.`}
        data={(["OPTED_OUT", ...byHand] as SuppressionReason[]).map((r) => ({ value: r, label: words(r) }))}
        value={reason}
        onChange={(v) => v && setReason(v as SuppressionReason)}
        error={wrong.reason}
        allowDeselect={false}
      />
      <CountrySelect value={{ ...firstOptions, region }} onChange={(o) => setRegion(o.region ?? "")} />
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onClose}>{t`Cancel`}</Button>
        <Button onClick={take} loading={fetching}>{t`Import`}</Button>
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
        title={t`${plural(r.added, { one: "# suppression", other: "# suppressions" })} added`}
      >{t`${plural(r.rows, { one: "# row", other: "# rows" })}: ${plural(r.unchanged, { one: "# was", other: "# were" })} there already, ${plural(r.duplicates, { one: "# repeats", other: "# repeat" })} an earlier row, ${count(r.rejected)} rejected.`}</Alert>
      {r.rejects.length > 0 && (
        <Table className="cards">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t`Line`}</Table.Th>
              <Table.Th>{t`Value`}</Table.Th>
              <Table.Th>{t`Why`}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {r.rejects.map((no) => (
              <Table.Tr key={no.line}>
                <Table.Td data-label={t`Line`}>{no.line}</Table.Td>
                <Table.Td data-label={t`Value`}>{no.value || "–"}</Table.Td>
                <Table.Td data-label={t`Why`}>{sentence(no.reason)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {r.rejected > r.rejects.length && (
        <Text size="sm" c="dimmed">{t`The first ${count(r.rejects.length)} of ${count(r.rejected)} are shown.`}</Text>
      )}
      <Group justify="flex-end">
        <Button onClick={props.onClose}>{t`Done`}</Button>
      </Group>
    </Stack>
  );
}
