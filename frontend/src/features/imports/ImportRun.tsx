import { t } from "@lingui/core/macro";
import { Alert, Progress } from "@mantine/core";
import { lazy, Suspense, useEffect, useState } from "react";
import { useMutation, useSubscription } from "urql";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { ImportProgressSubscription } from "../../gql/graphql";
import { errorText, payloadOf, sentences } from "../../lib/errors";
import { type Options, optionsInput, optionsOf } from "./wizard";

const Outcome = lazy(async () => ({ default: (await import("./Outcome")).Outcome }));
const Review = lazy(async () => ({ default: (await import("./Review")).Review }));

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
    doubleOptIn
    optInRequests
    messages {
      sent
      received
      optOuts
      contacts
    }
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
      source
      sheet
      sheets
      defaultRegion
      numbers
      dateOrder
      consentSource
      consentText
      topicIds
      mapped
      warnings
      columns {
        name
        field
        samples
      }
      questions {
        about
        column
        text
        example
        readings
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

export type ImportState = ImportProgressSubscription["importProgress"];

/**
 * An import under way or done: first its preview, to be corrected, then the import itself. What the operator had said
 * of the file comes back with it, after a reload too.
 */
export function ImportRun(props: {
  id: string;
  options: Options | null;
  onOptions: (change: Partial<Options>) => void;
  onSheet?: (sheet: string) => void;
  switching: boolean;
  onAgain: () => void;
  onStep: (imports: boolean) => void;
}) {
  const [restarting, setRestarting] = useState(false);
  const [problem, setProblem] = useState("");
  const [{ data, error }] = useSubscription({
    query: ImportProgressDocument,
    variables: { id: props.id },
    pause: restarting,
  });
  // What the run before said last: it is on the screen until the next one says something, and nothing follows from it.
  const [superseded, setSuperseded] = useState<typeof data>(undefined);
  const [, cancel] = useMutation(CancelDocument);
  const [, confirm] = useMutation(ConfirmDocument);
  /** Goes through the file once more; false when that was refused. */
  const run = async (dryRun: boolean, options: Options, mapping: { name: string; field: string }[]) => {
    setRestarting(true); // the subscription ended with the run before; a new one follows the next
    const result = await confirm({ input: { id: props.id, dryRun, mapping, ...optionsInput(options) } });
    const wrong = payloadOf(result.data)?.userErrors ?? [];
    const text = result.error ? errorText(result.error) : sentences(wrong);
    setProblem(text);
    if (!text) setSuperseded(data);
    setRestarting(false);
    return !text;
  };
  const i = data?.importProgress;
  const { options, onOptions, onStep } = props;
  useEffect(() => {
    if (!i) return;
    onStep(!i.dryRun);
    if (!options) onOptions(optionsOf(i));
  }, [i?.id, i?.dryRun, options]);
  if (error) return <Alert color="red">{errorText(error)}</Alert>;
  if (!i || !options) return <Progress value={0} animated aria-label={t`Progress of the import`} />;
  const stop = () => cancel({ input: { id: i.id } });
  return (
    <Suspense fallback={<Rows />}>
      {i.dryRun ? (
        <Review
          {...props}
          options={options}
          import={i}
          busy={restarting || props.switching || data === superseded}
          problem={problem}
          onRun={run}
          onStop={stop}
        />
      ) : (
        <Outcome import={i} onStop={stop} onAgain={props.onAgain} />
      )}
    </Suspense>
  );
}
