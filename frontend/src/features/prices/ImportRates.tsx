import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Alert, Button, Code, FileInput, Group, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import type { RateCardUpdateMutation } from "../../gql/graphql";
import { errorText, sentences } from "../../lib/errors";
import { count, sentence } from "../../lib/format";
import { RateCardUpdateDocument } from "./PricesPage";

type Result = RateCardUpdateMutation["rateCardUpdate"];

/** Reads a card from a file, tells what it would change or what is wrong with it, and then takes it in. */
export function ImportRates(props: { onImported: () => void; onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [wrong, setWrong] = useState("");
  const [tried, setTried] = useState<Result | null>(null);
  const [{ fetching }, update] = useMutation(RateCardUpdateDocument);
  const run = async (dryRun: boolean) => {
    if (!file) return setWrong(t`Choose a file`);
    const answer = await update({ input: { file, dryRun } });
    const result = answer.data?.rateCardUpdate;
    const errors = sentences(result?.userErrors);
    setWrong(answer.error ? sentence(errorText(answer.error)) : (errors ?? ""));
    if (answer.error || errors || !result) return;
    if (dryRun || result.faultCount > 0) return setTried(result);
    props.onImported();
    props.onClose();
  };
  return (
    <Stack>
      <FileInput
        label={t`File`}
        description={t`CSV with a line for each rate; at most 5,000 lines. What a file does not name stays as it is.`}
        placeholder={t`Choose a file`}
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
        <Trans>
          The first line names the columns: <Code>market,category,currency,price,valid_from</Code>, and if you like{" "}
          <Code>from_messages</Code>, <Code>doubtful</Code> and <Code>source</Code>. Download the rates to see an
          example.
        </Trans>
      </Text>
      {tried && tried.faultCount > 0 && (
        <Alert
          color="red"
          role="alert"
          title={t`${plural(tried.faultCount, { one: "# mistake", other: "# mistakes" })} in the file: nothing was changed`}
        >
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t`Line`}</Table.Th>
                <Table.Th>{t`Column`}</Table.Th>
                <Table.Th>{t`What is wrong`}</Table.Th>
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
            <Text size="xs">{t`The first ${count(tried.faults.length)} of ${count(tried.faultCount)} are shown.`}</Text>
          )}
        </Alert>
      )}
      {tried && tried.faultCount === 0 && (
        <Alert
          color="brand"
          role="status"
          title={t`${plural(tried.changed, { one: "# rate", other: "# rates" })} will change`}
        >{t`${plural(tried.unchanged, { one: "# rate is", other: "# rates are" })} as the file says already.`}</Alert>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={props.onClose}>{t`Cancel`}</Button>
        {tried && tried.faultCount === 0 && tried.changed > 0 ? (
          <Button
            onClick={() => run(false)}
            loading={fetching}
          >{t`Import ${plural(tried.changed, { one: "# rate", other: "# rates" })}`}</Button>
        ) : (
          <Button onClick={() => run(true)} loading={fetching}>{t`Check the file`}</Button>
        )}
      </Group>
    </Stack>
  );
}
