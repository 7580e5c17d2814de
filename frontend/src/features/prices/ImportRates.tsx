import { Alert, Button, Code, FileInput, Group, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import type { RateCardUpdateMutation } from "../../gql/graphql";
import { errorText } from "../../lib/errors";
import { count, counted, sentence } from "../../lib/format";
import { RateCardUpdateDocument } from "./PricesPage";

type Result = RateCardUpdateMutation["rateCardUpdate"];

/** Reads a card from a file, tells what it would change or what is wrong with it, and then takes it in. */
export function ImportRates(props: { onImported: () => void; onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [wrong, setWrong] = useState("");
  const [tried, setTried] = useState<Result | null>(null);
  const [{ fetching }, update] = useMutation(RateCardUpdateDocument);
  const run = async (dryRun: boolean) => {
    if (!file) return setWrong("Choose a file");
    const answer = await update({ input: { file, dryRun } });
    const result = answer.data?.rateCardUpdate;
    const errors = result?.userErrors.map((e) => sentence(e.message)).join(" ");
    setWrong(answer.error ? sentence(errorText(answer.error)) : (errors ?? ""));
    if (answer.error || errors || !result) return;
    if (dryRun || result.faultCount > 0) return setTried(result);
    props.onImported();
    props.onClose();
  };
  return (
    <Stack>
      <FileInput
        label="File"
        description="CSV with a line for each rate; at most 5,000 lines. What a file does not name stays as it is."
        placeholder="Choose a file"
        accept=".csv,text/csv"
        value={file}
        onChange={(f) => {
          setFile(f);
          setTried(null);
          setWrong("");
        }}
        error={wrong}
      />
      <Text size="xs" c="dimmed">
        The first line names the columns: <Code>market,category,currency,price,valid_from</Code>, and if you like{" "}
        <Code>from_messages</Code>, <Code>doubtful</Code> and <Code>source</Code>. Download the rates to see an example.
      </Text>
      {tried && tried.faultCount > 0 && (
        <Alert
          color="red"
          role="alert"
          title={`${counted(tried.faultCount, "mistake", "mistakes")} in the file: nothing was changed`}
        >
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Line</Table.Th>
                <Table.Th>Column</Table.Th>
                <Table.Th>What is wrong</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {tried.faults.map((f) => (
                <Table.Tr key={`${f.line} ${f.column} ${f.reason}`}>
                  <Table.Td>{f.line}</Table.Td>
                  <Table.Td>{f.column ?? "–"}</Table.Td>
                  <Table.Td>{sentence(f.reason)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {tried.faultCount > tried.faults.length && (
            <Text size="xs">
              The first {count(tried.faults.length)} of {count(tried.faultCount)} are shown.
            </Text>
          )}
        </Alert>
      )}
      {tried && tried.faultCount === 0 && (
        <Alert color="brand" role="status" title={`${counted(tried.changed, "rate", "rates")} will change`}>
          {counted(tried.unchanged, "rate is", "rates are")} as the file says already.
        </Alert>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onClose}>
          Cancel
        </Button>
        {tried && tried.faultCount === 0 && tried.changed > 0 ? (
          <Button onClick={() => run(false)} loading={fetching}>
            Import {counted(tried.changed, "rate", "rates")}
          </Button>
        ) : (
          <Button onClick={() => run(true)} loading={fetching}>
            Check the file
          </Button>
        )}
      </Group>
    </Stack>
  );
}
