import {
  Alert,
  Button,
  Card,
  Group,
  List,
  Modal,
  MultiSelect,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Stepper,
  Switch,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { Failed, LinkButton, Page, Rows, Stat, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { byField, errorText, payloadOf, settled } from "../../lib/errors";
import { count, duration, skipText } from "../../lib/format";
import { useTopics } from "../topics/useTopics";
import { type Cap, CapForm, capInput, firstCap } from "./CapForm";
import { ScheduleForm } from "./ScheduleForm";

const WizardDocument = graphql(`
  query CampaignWizard {
    segments(first: 100) {
      nodes {
        id
        name
        lastCount
      }
    }
    templates(first: 100) {
      nodes {
        id
        name
        body
        approvalStatus
      }
    }
    senders {
      id
      displayName
      address
      ratePerSecond
      status
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
        id
        name
        rateLimitPerSecond
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const PreflightDocument = graphql(`
  query CampaignPreflight($id: ID!) {
    campaignPreflight(id: $id) {
      audience
      willSend
      deferred
      ratePerSecond
      seconds
      warnings
      skips {
        reason
        count
      }
      blockers {
        field
        message
      }
    }
  }
`);

export const CampaignLaunchDocument = graphql(`
  mutation CampaignLaunch($input: CampaignLaunchInput!) {
    campaignLaunch(input: $input) {
      campaign {
        id
        status
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const fieldsOf = [
  "name",
  "segmentId",
  "templateId",
  "topicId",
  "senders",
  "rateLimitPerSecond",
  "errorThreshold",
  "quietHours",
  "frequencyCap",
  "endsAt",
];

/** Audience → message → schedule and limits → pre-flight → launch. */
export function CampaignWizard() {
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const [name, setName] = useState("");
  const [segmentId, setSegment] = useState<string | null>(null);
  const topics = useTopics();
  const [topicId, setTopic] = useState<string | null>(null);
  const [templateId, setTemplate] = useState<string | null>(null);
  const [senders, setSenders] = useState<string[] | null>(null);
  const [weights, setWeights] = useState<Record<string, number>>({});
  const [rate, setRate] = useState<number | "">("");
  const [threshold, setThreshold] = useState<number | "">(20);
  const [ends, setEnds] = useState("");
  const [quiet, setQuiet] = useState(true);
  const [start, setStart] = useState<string | null>(null);
  const [end, setEnd] = useState<string | null>(null);
  const [capped, setCapped] = useState<boolean | null>(null);
  const [most, setMost] = useState<Cap | null>(null);
  const [planning, setPlanning] = useState(false);
  const [id, setId] = useState<string | null>(null);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState("");
  const [{ data, error }, load] = useQuery({ query: WizardDocument });
  const [creating, create] = useMutation(CampaignCreateDocument);
  const [updating, update] = useMutation(CampaignUpdateDocument);
  const [launching, launch] = useMutation(CampaignLaunchDocument);
  const [preflight, recheck] = useQuery({
    query: PreflightDocument,
    variables: { id: id ?? "" },
    pause: !id || step !== 3,
    requestPolicy: "network-only",
  });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows />;
  const chosen = senders ?? data.senders.slice(0, 1).map((s) => s.id);
  const standing = data.settings.defaultQuietHours;
  const hours = { start: start ?? standing?.start ?? "21:00", end: end ?? standing?.end ?? "08:00" };
  const cap = most ?? data.settings.defaultFrequencyCap ?? firstCap;
  const hasCap = capped ?? data.settings.defaultFrequencyCap != null;
  const template = data.templates.nodes.find((t) => t.id === templateId);
  const check = async () => {
    setErrors({});
    setProblem("");
    const input = {
      name,
      segmentId,
      templateId,
      topicId,
      senders: chosen.map((senderId) => ({ senderId, weight: weights[senderId] ?? 1 })),
      rateLimitPerSecond: rate === "" ? null : rate,
      errorThreshold: threshold === "" ? null : threshold / 100,
      quietHours: quiet ? hours : null,
      frequencyCap: hasCap ? capInput(cap) : null,
      endsAt: ends ? new Date(ends).toISOString() : null,
    };
    const made = id ? undefined : await create({ input });
    const result = made ?? (await update({ input: { id: id ?? "", ...input } }));
    if (result.error) return setProblem(errorText(result.error));
    const payload = payloadOf(result.data);
    if (payload?.userErrors.length) {
      const split = byField(payload.userErrors, fieldsOf);
      setErrors(split.fields);
      setProblem(split.rest);
      if (split.fields.name || split.fields.segmentId || split.fields.topicId) setStep(0);
      else if (split.fields.templateId || split.fields.senders) setStep(1);
      else setStep(2);
      return;
    }
    if (made) setId(made.data?.campaignCreate.campaign?.id ?? null);
    setStep(3);
    if (id) recheck({ requestPolicy: "network-only" });
  };
  const p = preflight.data?.campaignPreflight;
  return (
    <Page title="New campaign">
      <Stepper active={step} onStepClick={(s) => s < step && setStep(s)} size="sm">
        <Stepper.Step label="Audience" />
        <Stepper.Step label="Message" />
        <Stepper.Step label="Pace and hours" />
        <Stepper.Step label="Pre-flight" />
      </Stepper>
      {problem && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      <Card maw={760}>
        {step === 0 && (
          <Stack>
            <TextInput
              label="Name"
              description="For you and your colleagues"
              value={name}
              onChange={(e) => setName(e.currentTarget.value)}
              error={errors.name}
              data-autofocus
            />
            <Select
              label="Segment"
              placeholder="Who gets it"
              searchable
              data={data.segments.nodes.map((s) => ({ value: s.id, label: `${s.name} · ${count(s.lastCount)}` }))}
              value={segmentId}
              onChange={setSegment}
              error={errors.segmentId}
              nothingFoundMessage="No segment yet: build one first"
            />
            {topics.length > 0 && (
              <Select
                label="Topic"
                description="Only its subscribers get it; empty: everybody in the segment"
                placeholder="None"
                searchable
                clearable
                data={topics}
                value={topicId}
                onChange={setTopic}
                error={errors.topicId}
              />
            )}
            <Group justify="flex-end">
              <Button disabled={!name.trim() || !segmentId} onClick={() => setStep(1)}>
                Next
              </Button>
            </Group>
          </Stack>
        )}
        {step === 1 && (
          <Stack>
            <Select
              label="Template"
              description="Only what WhatsApp approved can go out"
              searchable
              data={data.templates.nodes.map((t) => ({
                value: t.id,
                label: `${t.name}${t.approvalStatus === "APPROVED" ? "" : ` (${t.approvalStatus.toLowerCase()})`}`,
              }))}
              value={templateId}
              onChange={setTemplate}
              error={errors.templateId}
              nothingFoundMessage="No template yet: write one first"
            />
            {template && (
              <div className="paper-phone">
                <div className="bubble">{template.body}</div>
                <Group mt="sm">
                  <Status value={template.approvalStatus} />
                </Group>
              </div>
            )}
            <MultiSelect
              label={chosen.length > 1 ? "Senders" : "Sender"}
              description={
                chosen.length > 1 ? "Each contact hears from one of them; they share the audience by weight" : undefined
              }
              data={data.senders.map((s) => ({ value: s.id, label: `${s.displayName} · up to ${s.ratePerSecond}/s` }))}
              value={chosen}
              onChange={setSenders}
              error={errors.senders}
            />
            {chosen.length > 1 && (
              <Group>
                {chosen.map((id) => (
                  <NumberInput
                    key={id}
                    label={`Weight of ${data.senders.find((s) => s.id === id)?.displayName ?? "sender"}`}
                    min={1}
                    max={100}
                    value={weights[id] ?? 1}
                    onChange={(v) => setWeights({ ...weights, [id]: Number(v) || 1 })}
                    w={220}
                  />
                ))}
              </Group>
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setStep(0)}>
                Back
              </Button>
              <Button disabled={!templateId} onClick={() => setStep(2)}>
                Next
              </Button>
            </Group>
          </Stack>
        )}
        {step === 2 && (
          <Stack>
            <NumberInput
              label="Messages a second"
              description="Empty: as fast as the sender may"
              min={0.01}
              max={2000}
              value={rate}
              onChange={(v) => setRate(v === "" ? "" : Number(v))}
              error={errors.rateLimitPerSecond}
              w={220}
            />
            <NumberInput
              label="Pause when more than this fail"
              description="Share of failed messages, once 100 went; empty: never"
              suffix=" %"
              min={0.1}
              max={100}
              value={threshold}
              onChange={(v) => setThreshold(v === "" ? "" : Number(v))}
              error={errors.errorThreshold}
              w={220}
            />
            <TextInput
              label="Ends at"
              description="What has not gone by then expires; empty: no end"
              type="datetime-local"
              value={ends}
              onChange={(e) => setEnds(e.currentTarget.value)}
              error={errors.endsAt}
              w={260}
            />
            <Switch
              label="Quiet hours"
              description="Nothing is sent to people in these hours of their own time; their messages wait for the morning"
              checked={quiet}
              onChange={(e) => setQuiet(e.currentTarget.checked)}
            />
            {quiet && (
              <Group>
                <TextInput
                  label="From"
                  type="time"
                  value={hours.start}
                  onChange={(e) => setStart(e.currentTarget.value)}
                />
                <TextInput label="To" type="time" value={hours.end} onChange={(e) => setEnd(e.currentTarget.value)} />
              </Group>
            )}
            <Switch
              label="Frequency cap"
              description="Who had that many messages of any campaign lately is skipped"
              checked={hasCap}
              onChange={(e) => setCapped(e.currentTarget.checked)}
            />
            {hasCap && <CapForm value={cap} onChange={setMost} error={errors.frequencyCap} />}
            {errors.quietHours && <Alert color="red">{errors.quietHours}</Alert>}
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setStep(1)}>
                Back
              </Button>
              <Button onClick={check} loading={creating.fetching || updating.fetching}>
                Check
              </Button>
            </Group>
          </Stack>
        )}
        {step === 3 &&
          (preflight.error ? (
            <Failed error={preflight.error} retry={() => recheck({ requestPolicy: "network-only" })} />
          ) : !p || preflight.fetching ? (
            <Rows n={4} />
          ) : (
            <Stack>
              <Title order={2} size="h4">
                What a launch would do
              </Title>
              <SimpleGrid cols={{ base: 1, xs: 3 }}>
                <Stat label="Audience" value={count(p.audience)} testId="preflight-audience" />
                <Stat label="Will get it" value={count(p.willSend)} testId="preflight-send" />
                <Stat
                  label="Takes about"
                  value={duration(p.seconds)}
                  hint={`at ${p.ratePerSecond}/s${p.deferred ? `; ${count(p.deferred)} wait for their morning` : ""}`}
                />
              </SimpleGrid>
              {p.skips.length > 0 && (
                <Table>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Gets none because</Table.Th>
                      <Table.Th ta="right">Contacts</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {p.skips.map((s) => (
                      <Table.Tr key={s.reason}>
                        <Table.Td>{skipText(s.reason)}</Table.Td>
                        <Table.Td ta="right">{count(s.count)}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              )}
              {p.blockers.length > 0 && (
                <Alert color="red" title="Not ready to launch" role="alert">
                  <List size="sm">
                    {p.blockers.map((b) => (
                      <List.Item key={b.message}>{b.message}</List.Item>
                    ))}
                  </List>
                </Alert>
              )}
              {p.warnings.map((w) => (
                <Text key={w} size="sm">
                  {w.charAt(0).toUpperCase() + w.slice(1)}.
                </Text>
              ))}
              <Group justify="flex-end">
                <LinkButton to="/campaigns/$id" params={{ id: id ?? "" } as never} variant="subtle">
                  Keep as a draft
                </LinkButton>
                <Button variant="default" onClick={() => setStep(2)}>
                  Back
                </Button>
                {p.blockers.length > 0 && (
                  <Button variant="default" onClick={() => recheck({ requestPolicy: "network-only" })}>
                    Check again
                  </Button>
                )}
                <Button variant="default" onClick={() => setPlanning(true)}>
                  Schedule…
                </Button>
                <Modal opened={planning} onClose={() => setPlanning(false)} title="When it starts by itself">
                  <ScheduleForm
                    id={id ?? ""}
                    onDone={() => navigate({ to: "/campaigns/$id", params: { id: id ?? "" } })}
                  />
                </Modal>
                <Button
                  disabled={p.blockers.length > 0}
                  loading={launching.fetching}
                  onClick={async () => {
                    if (id && settled(await launch({ input: { id } }))) {
                      notifications.show({ message: `“${name}” is launched`, color: "green" });
                      navigate({ to: "/campaigns/$id", params: { id } });
                    }
                  }}
                >
                  Launch to {count(p.willSend)} contacts
                </Button>
              </Group>
            </Stack>
          ))}
      </Card>
    </Page>
  );
}
