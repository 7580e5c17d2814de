import { ActionIcon, Alert, Anchor, Button, Group, Select, Text, Textarea, Tooltip } from "@mantine/core";
import { IconSend2, IconTemplate, IconX } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useMutation, useQuery } from "urql";
import { graphql } from "../../gql";
import type { ConsentStatus } from "../../gql/graphql";
import { errorText, settled } from "../../lib/errors";
import { useKept } from "../../lib/kept";
import { useCommands } from "./actions";
import { useNow } from "./Bubbles";
import { sends } from "./keys";
import { leftToReply } from "./thread";

const ReplyDocument = graphql(`
  mutation ConversationReply($input: ConversationReplyInput!) {
    conversationReply(input: $input) {
      message {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const ApprovedDocument = graphql(`
  query ApprovedTemplates {
    templates(filter: { approvalStatus: APPROVED }, first: 200) {
      nodes {
        id
        name
        language
        body
      }
    }
  }
`);
const TemplateForContactDocument = graphql(`
  query TemplateForContact($input: TemplatePreviewInput!) {
    templatePreview(input: $input) {
      body
      missing
    }
  }
`);

const longest = 1600;

type Person = {
  id: string;
  name: string;
  address: string;
  consentStatus: ConsentStatus;
  suppression?: { reason: string } | null;
};

/** Where the answer is written: free text while the window is open, else an approved template. */
export function Composer(props: {
  id: string;
  contact: Person;
  windowOpen: boolean;
  until: string | null;
  write: boolean;
  onSent: () => void;
}) {
  const { id, contact: c } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const choice = useRef<HTMLInputElement>(null);
  const [{ fetching }, reply] = useMutation(ReplyDocument);
  const [body, setBody, forgetBody] = useKept(`reply:${id}`, "");
  const [template, setTemplate, forgetTemplate] = useKept<string | null>(`reply-template:${id}`, null);
  const [choosing, setChoosing] = useState(template !== null);
  const left = leftToReply(props.until, useNow(20));
  const text = props.windowOpen && left !== "" && !choosing;
  const focus = () => (field.current ?? choice.current)?.focus();
  useCommands({ reply: focus });
  // Once, when the conversation is opened to be written in.
  useEffect(() => {
    if (props.write) focus();
  }, [props.write]);

  if (c.consentStatus === "OPTED_OUT" || c.suppression)
    return (
      <div className="inbox-composer">
        <Alert color="red" p="xs">
          {c.consentStatus === "OPTED_OUT"
            ? "They opted out: nothing may be sent until they write START."
            : "This number is suppressed: nothing may be sent to it."}
        </Alert>
      </div>
    );

  const send = async (input: { body: string } | { templateId: string }) => {
    if (fetching || !settled(await reply({ input: { id, ...input } }))) return;
    if ("body" in input) forgetBody("");
    else {
      forgetTemplate(null);
      setChoosing(false);
    }
    props.onSent();
  };
  const ready = body.trim() !== "" && body.length <= longest;
  return (
    <div className="inbox-composer">
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="xs" c="dimmed">
          {left ||
            (props.until
              ? "The 24 hours to reply are over: only an approved template goes."
              : "They have not written yet: only an approved template goes.")}
        </Text>
        {text && body.length > longest - 200 && (
          <Text size="xs" c={body.length > longest ? "red" : "dimmed"}>
            {body.length} of {longest}
          </Text>
        )}
      </Group>
      {text ? (
        <Group gap="xs" wrap="nowrap" align="flex-end">
          <Textarea
            ref={field}
            aria-label="Reply"
            placeholder="Write a reply"
            autosize
            minRows={1}
            maxRows={8}
            flex={1}
            value={body}
            onChange={(e) => setBody(e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key === "Escape") e.currentTarget.blur();
              // With fingers there is no Shift at hand: Enter breaks the line, and the button sends.
              if (!sends(e.nativeEvent) || matchMedia("(pointer: coarse)").matches) return;
              e.preventDefault();
              if (ready) send({ body });
            }}
          />
          <Tooltip label="Send a template">
            <ActionIcon
              size={36}
              variant="subtle"
              color="gray"
              aria-label="Send a template"
              onClick={() => setChoosing(true)}
            >
              <IconTemplate size={20} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Send (Enter)">
            <ActionIcon size={36} aria-label="Send" loading={fetching} disabled={!ready} onClick={() => send({ body })}>
              <IconSend2 size={19} />
            </ActionIcon>
          </Tooltip>
        </Group>
      ) : (
        <TemplateChoice
          contact={c}
          field={choice}
          value={template}
          onChange={setTemplate}
          sending={fetching}
          onSend={(templateId) => send({ templateId })}
          onCancel={
            props.windowOpen && left
              ? () => {
                  forgetTemplate(null);
                  setChoosing(false);
                }
              : undefined
          }
        />
      )}
    </div>
  );
}

/** An approved template, as this contact will read it. */
function TemplateChoice(props: {
  contact: Person;
  field: React.RefObject<HTMLInputElement | null>;
  value: string | null;
  onChange: (id: string | null) => void;
  sending: boolean;
  onSend: (id: string) => void;
  onCancel?: () => void;
}) {
  const { contact: c, value } = props;
  const consented = c.consentStatus === "OPTED_IN";
  const [{ data }] = useQuery({ query: ApprovedDocument, pause: !consented });
  const chosen = data?.templates.nodes.find((t) => t.id === value);
  const [{ data: shown, error }] = useQuery({
    query: TemplateForContactDocument,
    variables: { input: { body: chosen?.body ?? "", contactId: c.id } },
    pause: !chosen,
  });
  if (!consented)
    return (
      <Group justify="space-between" gap="xs">
        <Text size="sm">
          A template needs their consent, and none is recorded.{" "}
          <Anchor component={Link} to={`/contacts/${c.id}`} size="sm">
            Record it
          </Anchor>
        </Text>
        {props.onCancel && (
          <Button size="xs" variant="default" onClick={props.onCancel}>
            Write a reply instead
          </Button>
        )}
      </Group>
    );
  const preview = chosen ? shown?.templatePreview : undefined;
  const missing = preview?.missing ?? [];
  return (
    <>
      {chosen && (
        <div className="thread inbox-preview" role="status" aria-label="Preview">
          <div className="thread-row" data-ours data-first>
            <div className="thread-bubble">
              <div className="thread-text">{error ? errorText(error) : (preview?.body ?? "…")}</div>
            </div>
          </div>
        </div>
      )}
      {missing.length > 0 && (
        <Text size="xs" c="red">
          {missing.map((m) => `{{${m}}}`).join(", ")}: this contact has no value for it, and the template no fallback.
        </Text>
      )}
      <Group gap="xs" wrap="nowrap">
        <Select
          ref={props.field}
          aria-label="Template"
          placeholder="Choose an approved template"
          clearable
          searchable
          flex={1}
          nothingFoundMessage="No approved template of that name"
          data={data?.templates.nodes.map((t) => ({ value: t.id, label: `${t.name} (${t.language})` })) ?? []}
          value={chosen ? value : null}
          onChange={props.onChange}
        />
        {props.onCancel && (
          <Tooltip label="Write a reply instead">
            <ActionIcon
              size={36}
              variant="subtle"
              color="gray"
              aria-label="Write a reply instead"
              onClick={props.onCancel}
            >
              <IconX size={18} />
            </ActionIcon>
          </Tooltip>
        )}
        <Button
          loading={props.sending}
          disabled={!preview || missing.length > 0}
          onClick={() => value && props.onSend(value)}
        >
          Send
        </Button>
      </Group>
    </>
  );
}
