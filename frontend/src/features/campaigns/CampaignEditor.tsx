import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Alert, Button, Card, Group, Stack, Stepper, Text } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useMutation, useQuery } from "urql";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { Empty, LinkButton, Missing, Page, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignEditQuery } from "../../gql/graphql";
import { useAddress, useGoAfter } from "../../lib/address";
import { type Outdated, saveText, useAutosave } from "../../lib/autosave";
import { byField, errorText, outdatedIn, payloadOf } from "../../lib/errors";
import { midSentence, words } from "../../lib/format";
import { useKept } from "../../lib/kept";
import { later } from "../../lib/later";
import { real } from "../../lib/node";
import { SegmentChoicesDocument } from "../segments/choices";
import { useChosenTemplate } from "../templates/choices";
import { AudienceStep } from "./AudienceStep";
import {
  type Draft,
  draftOf,
  fields,
  inputOf,
  missingIn,
  newDraft,
  type Step,
  stepLabels,
  stepOf,
  steps,
  wrongIn,
} from "./draft";

// They come as soon as the first step is worked on.
const messageStep = later(() => import("./MessageStep"));
const MessageStep = lazy(async () => ({ default: (await messageStep.get()).MessageStep }));
const scheduleStep = later(() => import("./ScheduleStep"));
const ScheduleStep = lazy(async () => ({ default: (await scheduleStep.get()).ScheduleStep }));
const Preflight = lazy(async () => ({ default: (await import("./Preflight")).Preflight }));
const ScheduleForm = lazy(async () => ({ default: (await import("./ScheduleForm")).ScheduleForm }));

const WhatIsSent = lazy(async () => ({ default: (await import("./WhatIsSent")).WhatIsSent }));

const EditDocument = graphql(`
  query CampaignEdit($id: ID!) {
    node(id: $id) {
      ... on Campaign {
        status
        ...CampaignSettings
      }
    }
    senders {
      id
      displayName
      ratePerSecond
    }
    settings {
      defaultQuietHours {
        start
        end
      }
      defaultFrequencyCap {
        messages
        days
      }
    }
  }
`);

const CampaignCreateDocument = graphql(`
  mutation CampaignCreate($input: CampaignCreateInput!) {
    campaignCreate(input: $input) {
      campaign {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const CampaignUpdateDocument = graphql(`
  mutation CampaignUpdate($input: CampaignUpdateInput!) {
    campaignUpdate(input: $input) {
      campaign {
        ...CampaignSettings
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** A campaign that does not exist yet: its first step. With Next it becomes a draft, which saves itself. */
export function NewCampaign() {
  const goAfter = useGoAfter();
  const { search, change } = useAddress();
  const chosen = search.segment ?? search.template; // by whoever came here to write to these people, or to send this
  const [{ data, error }, load] = useQuery({ query: EditDocument, variables: { id: "" } });
  const [segment] = useQuery({
    query: SegmentChoicesDocument,
    variables: { search: null, chosen: search.segment ?? "", known: true },
    pause: !search.segment,
  });
  const [creating, create] = useMutation(CampaignCreateDocument);
  const [draft, setDraft, forget] = useKept<Draft | null>("campaign:new", null);
  const { template: sent, fetching: reading } = useChosenTemplate(search.template ?? draft?.templateId);
  const [errors, setErrors] = useState<Errors>(none);
  const [incomplete, setIncomplete] = useState(false); // somebody wanted to go on, and something is missing
  const [card, toFirstWrong] = useFirstWrong();
  // Taken out of the address once it is in the draft, so that what is chosen later in the form stays.
  const taken = useRef<string>(undefined);
  useEffect(() => {
    if (!data || taken.current === chosen || (chosen && (segment.fetching || reading))) return;
    taken.current = chosen;
    if (!chosen) return;
    if (search.segment) {
      const found = segment.data?.chosen;
      setDraft(to(search.segment, found?.__typename === "Segment" ? found.name : "", draft, data));
    } else {
      setDraft(sending(chosen, sent?.name ?? "", draft, data));
    }
    change({ segment: undefined, template: undefined }, { replace: true });
  });
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data || (chosen && taken.current !== chosen)) return <Rows />;
  const value = draft ?? newDraft(data);
  const missing = missingIn("audience", value);
  const next = async () => {
    if (Object.keys(missing).length > 0) {
      setIncomplete(true);
      return toFirstWrong();
    }
    const go = goAfter();
    const result = await create({ input: { ...inputOf(value), name: value.name } });
    const found = problems(result);
    setErrors(found);
    const made = result.data?.campaignCreate.campaign;
    if (!made) return toFirstWrong();
    forget(null);
    go({ to: "/campaigns/$id/edit", params: { id: made.id }, search: { step: "message" }, replace: true });
  };
  return (
    <Page
      up={{ to: "/campaigns", label: t`Campaigns` }}
      title={t`New campaign`}
      description={sent && value.templateId === sent.id ? t`It sends the template “${sent.name}”.` : undefined}
    >
      <Steps active="audience" />
      <Problem text={errors.rest} />
      <Card ref={card} maw={760}>
        <Stack>
          <AudienceStep
            draft={value}
            errors={incomplete ? { ...missing, ...errors.fields } : errors.fields}
            onChange={(changed) => {
              setErrors(without(errors, changed));
              setDraft({ ...value, ...changed });
            }}
          />
          <Group justify="flex-end">
            <Button loading={creating.fetching} onClick={next}>{t`Next`}</Button>
          </Group>
        </Stack>
      </Card>
    </Page>
  );
}

/**
 * A draft to a segment and nobody else: the unfinished one, where it goes there; of one to another segment nothing stays.
 * A new one has the segment's name, unless an unfinished one to nobody yet has a name already.
 */
function to(segmentId: string, name: string, unfinished: Draft | null, data: CampaignEditQuery): Draft {
  if (unfinished?.segmentId === segmentId) return unfinished;
  return { ...newDraft(data), segmentId, name: (!unfinished?.segmentId && unfinished?.name) || name };
}

/** A draft that sends a template: the unfinished one, unless that sends another. A new one has the template's name. */
function sending(templateId: string, name: string, unfinished: Draft | null, data: CampaignEditQuery): Draft {
  if (unfinished?.templateId === templateId) return unfinished;
  const begun = unfinished && !unfinished.templateId ? unfinished : newDraft(data);
  return { ...begun, templateId, name: begun.name || name };
}

/** A draft, or a campaign that waits for its time: each step at an address of its own. */
export function CampaignEditor() {
  const { id } = useParams({ from: "/campaigns/$id/edit" });
  // The form begins with what the server has: it saves all of its fields, and of an old answer they would be old.
  const [{ data, error }, load] = useQuery({ query: EditDocument, variables: { id }, requestPolicy: "network-only" });
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows />;
  const campaign = real(data.node, "Campaign");
  if (!campaign)
    return <Missing title={t`Campaign not found`}>{t`It may have been deleted while it was a draft.`}</Missing>;
  if (campaign.status !== "DRAFT" && campaign.status !== "SCHEDULED")
    return (
      <Empty
        icon="✓"
        title={t`“${campaign.name}” is ${midSentence(words(campaign.status))}`}
        action={<LinkButton to="/campaigns/$id" params={{ id }}>{t`To the campaign`}</LinkButton>}
      >{t`Drafts and scheduled campaigns can be edited. Duplicate it to change anything.`}</Empty>
    );
  return <Form key={campaign.id} campaign={campaign} data={data} />;
}

type Campaign = Extract<NonNullable<CampaignEditQuery["node"]>, { __typename: "Campaign" }>;
type Errors = { fields: Record<string, string>; rest: string };
const none: Errors = { fields: {}, rest: "" };

/** What the server said of a save, by field. */
function problems(result: { error?: Parameters<typeof errorText>[0]; data?: object | null }): Errors {
  if (result.error) return { fields: {}, rest: errorText(result.error) };
  return byField(payloadOf(result.data)?.userErrors ?? [], fields);
}

const inputNames: Partial<Record<keyof Draft, string>> = {
  rate: "rateLimitPerSecond",
  threshold: "errorThreshold",
  ends: "endsAt",
  quiet: "quietHours",
  capped: "frequencyCap",
  cap: "frequencyCap",
  test: "variantTest",
  holdout: "holdoutPercent",
};

/** The errors that are left when these fields were changed: a corrected field is not red until it is saved again. */
function without(errors: Errors, changed: Partial<Draft>): Errors {
  const left = { ...errors.fields };
  for (const key of Object.keys(changed) as (keyof Draft)[]) {
    const name = inputNames[key] ?? key;
    for (const field of Object.keys(left)) if (field === name || field.startsWith(`${name}.`)) delete left[field];
  }
  return { fields: left, rest: "" };
}

/** A card, and what moves the focus to its first wrong field: who is kept there is told by it why. */
function useFirstWrong() {
  const card = useRef<HTMLDivElement>(null);
  const [asked, ask] = useState(0);
  // Once the errors are drawn.
  useEffect(() => {
    if (asked) card.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [asked]);
  return [card, () => ask((n) => n + 1)] as const;
}

function Form({ campaign, data }: { campaign: Campaign; data: CampaignEditQuery }) {
  const goAfter = useGoAfter();
  const { search } = useAddress();
  const step = steps.find((s) => s === search.step) ?? "audience";
  const [draft, setDraft] = useState(() => draftOf(campaign, data));
  const [errors, setErrors] = useState<Errors>(none);
  const [incomplete, setIncomplete] = useState<Step | null>(null); // where somebody wanted to go on, and something is missing
  const [planning, setPlanning] = useState(false);
  const [, update] = useMutation(CampaignUpdateDocument);
  const revision = useRef(campaign.revision); // of what the form shows: each save goes on from the one before
  const save = async (value: Draft) => {
    const result = await update({
      input: { id: campaign.id, ...inputOf(value), expectedVersion: revision.current },
    });
    revision.current = result.data?.campaignUpdate.campaign?.revision ?? revision.current;
    const choice = outdatedIn(result) && (result.extensions?.choice as Outdated["choice"]);
    return { found: problems(result), choice };
  };
  const { state, flush } = useAutosave(draft, async (value) => {
    const wrong = wrongIn(value);
    const { found, choice } =
      Object.keys(wrong).length > 0 ? { found: { fields: wrong, rest: "" }, choice: undefined } : await save(value);
    setErrors(found);
    const text = [...Object.values(found.fields), found.rest].filter(Boolean).join("; ");
    return choice ? { wrong: text, choice } : text;
  });
  const change = (changed: Partial<Draft>) => {
    setErrors((before) => without(before, changed));
    setDraft((before) => ({ ...before, ...changed }));
  };
  // A save that runs by itself never turns the buttons off: whoever clicks just then would click on nothing.
  const [going, setGoing] = useState(false);
  const [card, toFirstWrong] = useFirstWrong();
  const missing = missingIn(step, draft, campaign.query != null);
  const go = async (to: Step, whatever = false) => {
    const checked = !whatever && steps.indexOf(to) > steps.indexOf(step);
    if (checked && Object.keys(missing).length > 0) {
      setIncomplete(step);
      return toFirstWrong();
    }
    const then = goAfter();
    setGoing(true);
    const ready = await flush();
    setGoing(false);
    if (!ready && checked) return toFirstWrong();
    then({ to: "/campaigns/$id/edit", params: { id: campaign.id }, search: { step: to } });
  };
  const index = steps.indexOf(step);
  // Whoever works by keyboard goes on at the beginning of the next step.
  const before = useRef(step);
  useEffect(() => {
    if (before.current !== step) card.current?.focus({ preventScroll: true });
    before.current = step;
  }, [step]);
  const elsewhere = Object.keys(errors.fields)
    .map(stepOf)
    .find((s) => s && s !== step);
  const label = elsewhere && stepLabels[elsewhere];
  const leave = (then = goAfter()) => then({ to: "/campaigns/$id", params: { id: campaign.id } });
  // What is missing is told until it is there, whatever the saves say that run meanwhile.
  const shown = incomplete === step ? { ...missing, ...errors.fields } : errors.fields;
  return (
    <Page
      up={{ to: "/campaigns", label: t`Campaigns` }}
      title={draft.name.trim() || t`Untitled campaign`}
      description={campaign.status === "SCHEDULED" ? t`Scheduled: changes count until it starts` : t`Draft`}
      actions={
        <>
          <Text size="sm" c={state === "failed" ? "red" : "dimmed"} role="status" data-testid="save-state">
            {saveText[state]}
          </Text>
          <Button
            className="keep-width"
            variant="default"
            onClick={async () => {
              const then = goAfter();
              if (await flush()) leave(then);
            }}
          >{t`Close`}</Button>
        </>
      }
    >
      <Steps active={step} onStep={go} />
      <Problem text={errors.rest} />
      {elsewhere && (
        <Alert color="red" role="alert">
          <Trans>
            Something under “{label}” needs a correction.{" "}
            <Button size="compact-xs" variant="white" color="red" onClick={() => go(elsewhere, true)}>{t`Show`}</Button>
          </Trans>
        </Alert>
      )}
      <div className="beside">
        <Card ref={card} tabIndex={-1} role="group" aria-label={stepLabels[step]} style={{ outline: "none" }}>
          <Stack>
            {step === "audience" && <AudienceStep draft={draft} errors={shown} onChange={change} />}
            {step === "message" && (
              <Suspense fallback={<Rows n={4} />}>
                <MessageStep draft={draft} senders={data.senders} errors={shown} onChange={change} />
              </Suspense>
            )}
            {step === "schedule" && (
              <Suspense fallback={<Rows n={4} />}>
                <ScheduleStep draft={draft} errors={shown} onChange={change} />
              </Suspense>
            )}
            {step === "review" ? (
              <Suspense fallback={<Rows n={4} />}>
                <Preflight id={campaign.id} onLaunched={() => leave()}>
                  <Button variant="default" onClick={() => go("schedule")}>{t`Back`}</Button>
                  <Button variant="default" onClick={() => setPlanning(true)}>{t`Schedule…`}</Button>
                </Preflight>
              </Suspense>
            ) : (
              <Group justify="flex-end">
                {index > 0 && (
                  <Button variant="default" onClick={() => go(steps[index - 1] ?? "audience")}>{t`Back`}</Button>
                )}
                <Button loading={going} onClick={() => go(steps[index + 1] ?? "review")}>
                  {step === "schedule" ? t`Review` : t`Next`}
                </Button>
              </Group>
            )}
          </Stack>
        </Card>
        {step === "review" && (
          <Suspense>
            <WhatIsSent campaign={campaign} />
          </Suspense>
        )}
      </div>
      <Dialog opened={planning} onClose={() => setPlanning(false)} title={t`Schedule`}>
        <Suspense>
          <ScheduleForm id={campaign.id} plan={campaign.schedule} onDone={() => leave()} />
        </Suspense>
      </Dialog>
    </Page>
  );
}

function Steps({ active, onStep }: { active: Step; onStep?: (s: Step) => void }) {
  return (
    <Stepper
      active={steps.indexOf(active)}
      onStepClick={onStep && ((i) => onStep(steps[i] ?? "audience"))}
      allowNextStepsSelect={onStep !== undefined}
      size="sm"
      wrap={false}
      className="steps"
      maw={760}
    >
      {steps.map((s) => (
        <Stepper.Step key={s} label={stepLabels[s]} />
      ))}
    </Stepper>
  );
}

function Problem({ text }: { text: string }) {
  if (!text) return null;
  return (
    <Alert color="red" role="alert">
      {text}
    </Alert>
  );
}
