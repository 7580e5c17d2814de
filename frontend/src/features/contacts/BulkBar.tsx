import { t } from "@lingui/core/macro";
import { Alert, Button, Group, Paper, Select, Stack, TagsInput, Text, Textarea } from "@mantine/core";
import { IconBan, IconChecks, IconDownload, IconTag, IconTags, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { type AnyVariables, type TypedDocumentNode, useClient } from "urql";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { graphql } from "../../gql";
import type {
  ConsentPurpose,
  ConsentStatus,
  ContactSelection,
  ExportFormat,
  SuppressionReason,
  TopicStatus,
} from "../../gql/graphql";
import { errorText, payloadOf, sentences } from "../../lib/errors";
import { contacts } from "../../lib/format";
import { useTopics } from "../topics/useTopics";

const TagDocument = graphql(`
  mutation ContactTag($input: ContactTagInput!) {
    contactTag(input: $input) {
      action {
        ...BulkActionState
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const TopicDocument = graphql(`
  mutation ContactTopicRecord($input: ContactTopicRecordInput!) {
    contactTopicRecord(input: $input) {
      action {
        ...BulkActionState
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const ConsentDocument = graphql(`
  mutation ContactConsentRecord($input: ContactConsentRecordInput!) {
    contactConsentRecord(input: $input) {
      action {
        ...BulkActionState
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const SuppressDocument = graphql(`
  mutation ContactSuppress($input: ContactSuppressInput!) {
    contactSuppress(input: $input) {
      action {
        ...BulkActionState
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const ExportDocument = graphql(`
  mutation ContactExport($input: ContactExportInput!) {
    contactExport(input: $input) {
      action {
        ...BulkActionState
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const EraseDocument = graphql(`
  mutation ContactErase($input: ContactEraseInput!) {
    contactErase(input: $input) {
      action {
        ...BulkActionState
      }
      userErrors {
        field
        message
      }
    }
  }
`);

export type BulkKind = "tag" | "topic" | "consent" | "suppress" | "export" | "erase";

const titles: Record<BulkKind, string> = {
  tag: t`Tag`,
  topic: t`Topic`,
  consent: t`Record consent`,
  suppress: t`Suppress`,
  export: t`Export`,
  erase: t`Erase`,
};

/** What the button says that does it. */
function doText(kind: BulkKind, n: number, joins: TopicStatus): string {
  if (kind === "erase") return t`Erase ${contacts(n)}`;
  if (kind !== "topic") return titles[kind];
  return joins === "SUBSCRIBED" ? t`Subscribe ${contacts(n)}` : t`Unsubscribe ${contacts(n)}`;
}

/** What can be done to the selected contacts. */
export function BulkBar(props: {
  contacts: ContactSelection;
  n: number;
  tags: string[];
  onClear: () => void;
  onStarted: (id: string) => void;
}) {
  const [kind, setKind] = useState<BulkKind | null>(null);
  const admin = useMay("ADMIN");
  return (
    <Paper withBorder p="sm" radius="md" role="region" aria-label={t`Selected contacts`}>
      <Group justify="space-between">
        <Text size="sm" fw={600}>{t`${contacts(props.n)} selected`}</Text>
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            leftSection={<IconTag size={15} />}
            onClick={() => setKind("tag")}
          >{t`Tag`}</Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconTags size={15} />}
            onClick={() => setKind("topic")}
          >{t`Topic`}</Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconChecks size={15} />}
            onClick={() => setKind("consent")}
          >{t`Consent`}</Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconBan size={15} />}
            onClick={() => setKind("suppress")}
          >{t`Suppress`}</Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={15} />}
            onClick={() => setKind("export")}
          >{t`Export`}</Button>
          {admin && (
            <Button
              size="xs"
              color="red"
              variant="outline"
              leftSection={<IconTrash size={15} />}
              onClick={() => setKind("erase")}
            >{t`Erase`}</Button>
          )}
          <Button size="xs" variant="subtle" onClick={props.onClear}>{t`Clear`}</Button>
        </Group>
      </Group>
      <BulkForm key={kind} {...props} kind={kind} onClose={() => setKind(null)} />
    </Paper>
  );
}

/** Asks what an action needs to know, names what will happen, and starts it. */
export function BulkForm(props: {
  kind: BulkKind | null;
  contacts: ContactSelection;
  n: number;
  tags: string[];
  onClose: () => void;
  onStarted: (id: string) => void;
}) {
  const { kind, n } = props;
  const client = useClient();
  const [add, setAdd] = useState<string[]>([]);
  const [remove, setRemove] = useState<string[]>([]);
  const topics = useTopics();
  const [topicId, setTopic] = useState<string | null>(null);
  const [joins, setJoins] = useState<TopicStatus>("SUBSCRIBED");
  const [purpose, setPurpose] = useState<ConsentPurpose>("MARKETING");
  const [status, setStatus] = useState<ConsentStatus>("OPTED_IN");
  const [note, setNote] = useState("");
  const [reason, setReason] = useState<SuppressionReason>("OPERATOR");
  const [format, setFormat] = useState<ExportFormat>("CSV");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const start = async () => {
    const call = async <T, V extends AnyVariables>(doc: TypedDocumentNode<T, V>, input: V) => {
      const result = await client.mutation(doc, input);
      const payload = payloadOf(result.data as object | undefined) as
        | { action?: { id: string } | null; userErrors: readonly { message: string }[] }
        | undefined;
      if (result.error) return setProblem(errorText(result.error));
      if (payload?.userErrors.length) return setProblem(sentences(payload.userErrors));
      if (payload?.action) props.onStarted(payload.action.id);
      props.onClose();
    };
    setBusy(true);
    if (kind === "tag") await call(TagDocument, { input: { contacts: props.contacts, add, remove } });
    if (kind === "topic" && topicId)
      await call(TopicDocument, { input: { contacts: props.contacts, topicId, status: joins } });
    if (kind === "consent")
      await call(ConsentDocument, {
        input: { contacts: props.contacts, purpose, status, evidence: note ? { note } : null },
      });
    if (kind === "suppress") await call(SuppressDocument, { input: { contacts: props.contacts, reason } });
    if (kind === "export") await call(ExportDocument, { input: { contacts: props.contacts, format } });
    if (kind === "erase") await call(EraseDocument, { input: { contacts: props.contacts, expected: n } });
    setBusy(false);
  };
  if (!kind) return null;
  return (
    <Dialog opened onClose={props.onClose} title={`${titles[kind]}: ${contacts(n)}`}>
      <Stack>
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        {kind === "tag" && (
          <>
            <TagsInput
              label={t`Add tags`}
              data={props.tags}
              value={add}
              onChange={setAdd}
              placeholder={t`Enter adds one`}
            />
            <TagsInput label={t`Remove tags`} data={props.tags} value={remove} onChange={setRemove} />
          </>
        )}
        {kind === "topic" && (
          <>
            <Select
              label={t`Topic`}
              placeholder={t`Choose one`}
              data={topics}
              value={topicId}
              onChange={setTopic}
              searchable
              nothingFoundMessage={t`No topic yet: add one under Topics`}
            />
            <Select
              label={t`Subscription`}
              description={
                joins === "SUBSCRIBED"
                  ? t`Who left it before stays away: only they themselves, or you one by one, bring them back.`
                  : undefined
              }
              data={[
                { value: "SUBSCRIBED", label: t`Subscribe them` },
                { value: "LEFT", label: t`Unsubscribe them` },
              ]}
              value={joins}
              onChange={(v) => v && setJoins(v as TopicStatus)}
              allowDeselect={false}
            />
          </>
        )}
        {kind === "consent" && (
          <>
            <Select
              label={t`About`}
              description={
                purpose === "UTILITY"
                  ? t`Messages about an order, an account or an appointment of theirs. Consent to marketing stays as it is.`
                  : undefined
              }
              data={[
                { value: "MARKETING", label: t`Marketing messages` },
                { value: "UTILITY", label: t`Utility messages` },
              ]}
              value={purpose}
              onChange={(v) => v && setPurpose(v as ConsentPurpose)}
              allowDeselect={false}
            />
            <Select
              label={t`They decided`}
              data={[
                { value: "OPTED_IN", label: t`Opted in` },
                { value: "OPTED_OUT", label: t`Opted out` },
              ]}
              value={status}
              onChange={(v) => v && setStatus(v as ConsentStatus)}
              allowDeselect={false}
            />
            <Textarea
              label={t`Evidence`}
              description={
                status === "OPTED_IN"
                  ? t`What did they agree to, where and when? Who opted out before stays opted out.`
                  : purpose === "UTILITY"
                    ? t`How did they tell you? They get no more templates of the category utility.`
                    : t`How did they tell you? They get no more messages until they opt in again.`
              }
              value={note}
              onChange={(e) => setNote(e.currentTarget.value)}
            />
          </>
        )}
        {kind === "suppress" && (
          <>
            <Text size="sm">{t`Their addresses get nothing any more, whatever their consent, until you lift it.`}</Text>
            <Select
              label={t`Reason`}
              data={[
                { value: "OPERATOR", label: t`Our decision` },
                { value: "COMPLAINT", label: t`They complained` },
                { value: "BLOCKED", label: t`They blocked us` },
                { value: "INVALID", label: t`The number is wrong` },
              ]}
              value={reason}
              onChange={(v) => v && setReason(v as SuppressionReason)}
              allowDeselect={false}
            />
          </>
        )}
        {kind === "export" && (
          <Select
            label={t`Format`}
            description={t`The download is streamed; numbers leave the engine, so it is in the audit trail.`}
            data={[
              { value: "CSV", label: t`CSV, a column for each attribute` },
              { value: "XLSX", label: t`Excel workbook, every cell a text` },
              { value: "NDJSON", label: t`NDJSON, one object a line` },
            ]}
            value={format}
            onChange={(v) => v && setFormat(v as ExportFormat)}
            allowDeselect={false}
          />
        )}
        {kind === "erase" && (
          <Alert color="red">{t`Profile, number and texts of ${contacts(n)} are deleted permanently. Counters, the proof of consent and a block on the number stay. The texts at Twilio are taken away too, in the background; Bulk actions shows how far that is. This cannot be undone.`}</Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose}>{t`Cancel`}</Button>
          <Button
            onClick={start}
            loading={busy}
            disabled={kind === "topic" && !topicId}
            color={kind === "erase" ? "red" : undefined}
          >
            {doText(kind, n, joins)}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
