import { plural, t } from "@lingui/core/macro";
import { ActionIcon, Alert, Button, Group, Paper, SegmentedControl, Text, Textarea } from "@mantine/core";
import { IconMessage2Bolt, IconSend2, IconTemplate } from "@tabler/icons-react";
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { useMutation, useQuery } from "urql";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConsentStatus, LibraryFileFragment } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { count, money } from "../../lib/format";
import { useKept } from "../../lib/kept";
import { real } from "../../lib/node";
import { useShortcuts } from "../../lib/shortcuts";
import { AttachButton, Attached } from "./Attach";
import { useNow } from "./Bubbles";
import { sends } from "./keys";
import { leftToReply, slashAt, unfilled } from "./thread";

const TemplateChoice = lazy(async () => ({ default: (await import("./TemplateChoice")).TemplateChoice }));
const CannedReplies = lazy(async () => ({ default: (await import("./Canned")).CannedReplies }));

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
const NoteDocument = graphql(`
  mutation ConversationNote($input: ConversationNoteInput!) {
    conversationNote(input: $input) {
      note {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const CannedForContactDocument = graphql(`
  query CannedForContact($contactId: ID!) {
    cannedReplies {
      id
      name
      forContact(contactId: $contactId) {
        body
        missing
      }
    }
  }
`);

const ReplyPriceDocument = graphql(`
  query ReplyPrice($id: ID!) {
    node(id: $id) {
      ... on Conversation {
        id
        replyPrice {
          total {
            amount
            currency
          }
          free {
            amount
            currency
          }
          freeLeft
        }
      }
    }
  }
`);

/** What a reply costs, in a few words. */
function ReplyPrice(props: { id: string }) {
  const [{ data }] = useQuery({
    query: ReplyPriceDocument,
    variables: { id: props.id },
    requestPolicy: "cache-and-network",
  });
  const p = real(data?.node, "Conversation")?.replyPrice;
  if (!p) return null;
  const [text, why] =
    p.freeLeft > 0
      ? [
          money(p.free),
          t`Twilio’s fee. Meta’s is free for ${plural(p.freeLeft, { one: "# more message", other: "# more messages" })} this month.`,
        ]
      : p.total
        ? [
            money(p.total),
            t`Meta’s and Twilio’s fee; Twilio’s is ${money(p.free)}. The free messages of this month are used up.`,
          ]
        : [t`${money(p.free)} and Meta’s fee`, t`The rates do not tell Meta’s fee for this country.`];
  return <Text data-hint={why} size="xs" c="dimmed" data-testid="reply-price">{t`A reply costs ${text}`}</Text>;
}

const longest = { reply: 1600, caption: 1024, note: 4000 };

export type Person = {
  id: string;
  name: string;
  consentStatus: ConsentStatus;
  suppression?: { reason: string } | null;
};

/** Where the answer is written, free text while the window is open, else an approved template; and notes for colleagues. */
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
  const [{ fetching: replying }, reply] = useMutation(ReplyDocument);
  const [{ fetching: noting }, note] = useMutation(NoteDocument);
  const [kind, setKind] = useState<"reply" | "note">("reply");
  const [body, setBody, forgetBody] = useKept(`reply:${id}`, "");
  const [noted, setNoted, forgetNoted] = useKept(`note:${id}`, "");
  const [template, setTemplate, forgetTemplate] = useKept<string | null>(`reply-template:${id}`, null);
  const [file, setFile, forgetFile] = useKept<LibraryFileFragment | null>(`reply-file:${id}`, null);
  const [choosing, setChoosing] = useState(template !== null);
  const [managing, setManaging] = useState(false);
  const left = leftToReply(props.until, useNow(20));
  const free = props.windowOpen && left !== "";
  const [focused, focus] = useState(props.write ? 1 : 0);
  useShortcuts(t`Reply`, [
    {
      keys: "r",
      label: t`Write a reply`,
      run: () => {
        setKind("reply");
        focus((n) => n + 1);
      },
    },
  ]);
  useEffect(() => {
    if (focused) field.current?.focus();
  }, [focused]);

  const sent = async (input: { body: string; mediaId?: string } | { templateId: string }) => {
    if (replying || !settled(await reply({ input: { id, ...input } }))) return;
    if ("body" in input) {
      forgetBody("");
      forgetFile(null);
    } else {
      forgetTemplate(null);
      setChoosing(false);
    }
    props.onSent();
  };
  const keep = async () => {
    if (noting || !settled(await note({ input: { id, body: noted } }))) return;
    forgetNoted("");
    props.onSent();
  };
  const placeholder = !file ? t`Write a reply` : file.kind === "DOCUMENT" ? t`Send without a text` : t`Add a caption`;
  const blocked =
    c.consentStatus === "OPTED_OUT"
      ? t`They opted out: nothing may be sent until they write START.`
      : c.suppression
        ? t`This number is suppressed: nothing may be sent to it.`
        : "";
  return (
    <div className="inbox-composer" data-note={kind === "note" || undefined}>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <SegmentedControl
          size="xs"
          aria-label={t`What is written`}
          style={{ flex: "none" }}
          value={kind}
          onChange={(v) => setKind(v as typeof kind)}
          data={[
            { value: "reply", label: t`Reply` },
            { value: "note", label: t`Note` },
          ]}
        />
        {kind === "reply" && free && !blocked && <ReplyPrice id={id} />}
        <Text size="xs" c={kind === "note" ? undefined : "dimmed"} ta="end">
          {kind === "note"
            ? t`For colleagues; never sent`
            : left || (props.until ? t`The 24 hours to reply are over` : t`They have not written yet`)}
        </Text>
      </Group>
      {kind === "note" ? (
        <Writing
          key="note"
          field={field}
          label={t`Note`}
          placeholder={t`Write a note for colleagues`}
          value={noted}
          onChange={setNoted}
          longest={longest.note}
          sending={noting}
          action={t`Keep the note`}
          onSend={keep}
        />
      ) : blocked ? (
        <Alert color="red" p="xs">
          {blocked}
        </Alert>
      ) : free && !choosing ? (
        <Writing
          key="reply"
          field={field}
          label={t`Reply`}
          placeholder={placeholder}
          value={body}
          onChange={setBody}
          longest={file ? longest.caption : longest.reply}
          sending={replying}
          action={t`Send`}
          onSend={() => sent({ body, mediaId: file?.id })}
          canned={c.id}
          onManage={() => setManaging(true)}
          attached={file && <Attached file={file} onRemove={() => forgetFile(null)} />}
          wrong={
            file?.kind === "DOCUMENT" && body.trim()
              ? t`WhatsApp shows no text with a document: send it as a message of its own.`
              : undefined
          }
        >
          <AttachButton
            onChoose={(chosen) => {
              setFile(chosen);
              field.current?.focus();
            }}
          />
          <ActionIcon
            data-hint={t`Send a template`}
            size={36}
            variant="subtle"
            color="gray"
            aria-label={t`Send a template`}
            onClick={() => setChoosing(true)}
          >
            <IconTemplate size={20} />
          </ActionIcon>
        </Writing>
      ) : (
        <Suspense fallback={<Rows n={1} />}>
          <TemplateChoice
            contact={c}
            windowOpen={free}
            field={choice}
            focused={focused}
            value={template}
            onChange={setTemplate}
            sending={replying}
            onSend={(templateId) => sent({ templateId })}
            onCancel={
              free
                ? () => {
                    forgetTemplate(null);
                    setChoosing(false);
                  }
                : undefined
            }
          />
        </Suspense>
      )}
      {managing && (
        <Suspense>
          <CannedReplies onClose={() => setManaging(false)} />
        </Suspense>
      )}
    </div>
  );
}

/** A field for a text that Enter sends. With a contact, "/" and a name bring a canned reply, filled in for them. */
function Writing(props: {
  field: React.RefObject<HTMLTextAreaElement | null>;
  label: string;
  placeholder: string;
  value: string;
  onChange: (text: string) => void;
  longest: number;
  sending: boolean;
  action: string;
  onSend: () => void;
  canned?: string;
  onManage?: () => void;
  /** What goes with the text, which may be empty then. */
  attached?: ReactNode;
  /** Why it cannot go like this. */
  wrong?: string;
  children?: ReactNode;
}) {
  const { field, value, longest } = props;
  const [caret, setCaret] = useState<number | null>(null);
  const [active, setActive] = useState(0);
  const slash = props.canned && caret !== null ? slashAt(value, caret) : null;
  const [{ data }] = useQuery({
    query: CannedForContactDocument,
    variables: { contactId: props.canned ?? "" },
    pause: !slash,
    requestPolicy: "cache-and-network",
  });
  const found = slash ? (data?.cannedReplies.filter((r) => r.name.toLowerCase().includes(slash.name)) ?? []) : [];
  const at = Math.min(active, found.length - 1);
  const holes = props.canned ? unfilled(value) : [];
  const ready =
    (value.trim() !== "" || Boolean(props.attached)) && value.length <= longest && holes.length === 0 && !props.wrong;
  const insert = (text: string) => {
    if (!slash || caret === null) return;
    const next = value.slice(0, slash.from) + text + value.slice(caret);
    const end = slash.from + text.length;
    props.onChange(next);
    setCaret(null);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(end, end);
    });
  };
  /** Types the "/" at the end of the text, as somebody would who knows of it; and takes it away again. */
  const offer = () => {
    const open = slash && caret !== null;
    const asked = slashAt(value, value.length) ? value : `${value}${value === "" || /\s$/.test(value) ? "" : " "}/`;
    const next = open ? value.slice(0, slash.from) + value.slice(caret) : asked;
    props.onChange(next);
    setCaret(open ? null : next.length);
    setActive(0);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(next.length, next.length);
    });
  };
  const pressed = (e: React.KeyboardEvent<HTMLTextAreaElement>) => {
    const chosen = found[at]?.forContact?.body;
    const menu = slash && found.length > 0 && !e.nativeEvent.isComposing;
    if (menu && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      setActive((at + (e.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
      return e.preventDefault();
    }
    if (menu && chosen !== undefined && (e.key === "Tab" || sends(e.nativeEvent))) {
      insert(chosen);
      return e.preventDefault();
    }
    if (e.key === "Escape") return slash ? setCaret(null) : e.currentTarget.blur();
    // With fingers there is no Shift at hand: Enter breaks the line, and the button sends.
    if (!sends(e.nativeEvent) || matchMedia("(pointer: coarse)").matches) return;
    e.preventDefault();
    if (ready) props.onSend();
  };
  return (
    <>
      <div className="inbox-writing">
        {props.attached}
        <Group className="inbox-line" gap="xs" wrap="nowrap" align="flex-end">
          <Textarea
            ref={field}
            aria-label={props.label}
            placeholder={props.placeholder}
            autosize
            minRows={1}
            maxRows={8}
            flex={1}
            value={value}
            onChange={(e) => {
              props.onChange(e.currentTarget.value);
              setCaret(e.currentTarget.selectionEnd);
              setActive(0);
            }}
            onKeyDown={pressed}
            onBlur={() => setCaret(null)}
            aria-controls={found.length ? "canned" : undefined}
            aria-activedescendant={found[at] ? `canned-${found[at].id}` : undefined}
          />
          {props.canned && (
            <ActionIcon
              data-hint={t`Canned replies (/)`}
              size={36}
              variant={slash ? "light" : "subtle"}
              color="gray"
              aria-label={t`Canned replies`}
              aria-expanded={slash !== null}
              onMouseDown={(e) => e.preventDefault()} // the field keeps the focus
              onClick={offer}
            >
              <IconMessage2Bolt size={20} />
            </ActionIcon>
          )}
          {props.children}
          <ActionIcon
            className="inbox-send"
            data-hint={t`${props.action} (Enter)`}
            size={36}
            aria-label={props.action}
            loading={props.sending}
            disabled={!ready}
            onClick={props.onSend}
          >
            <IconSend2 size={19} />
          </ActionIcon>
        </Group>
        {slash !== null && data !== undefined && (
          <Paper className="inbox-canned-panel" withBorder shadow="md" p={4}>
            <div role="listbox" id="canned" aria-label={t`Canned replies`} className="inbox-canned">
              {found.map((r, i) => (
                <div
                  key={r.id}
                  id={`canned-${r.id}`}
                  role="option"
                  tabIndex={-1}
                  aria-selected={i === at}
                  className="inbox-canned-row"
                  onMouseDown={(e) => {
                    e.preventDefault(); // the field keeps the focus
                    insert(r.forContact?.body ?? "");
                  }}
                >
                  <Text size="sm" fw={600}>
                    /{r.name}
                  </Text>
                  <Text dir="auto" size="xs" c="dimmed" lineClamp={1}>
                    {r.forContact?.body}
                  </Text>
                </div>
              ))}
            </div>
            {found.length === 0 && (
              <Text size="xs" c="dimmed" p={6}>
                {data?.cannedReplies.length ? t`No canned reply with that name` : t`There are no canned replies`}
              </Text>
            )}
            <Button
              size="compact-xs"
              variant="subtle"
              color="gray"
              onMouseDown={(e) => e.preventDefault()}
              onClick={() => {
                setCaret(null);
                props.onManage?.();
              }}
            >{t`Manage canned replies`}</Button>
          </Paper>
        )}
      </div>
      {holes.length > 0 && (
        <Text
          size="xs"
          c="red"
        >{t`Fill in ${holes.join(", ")} before it is sent: this contact has no value for it.`}</Text>
      )}
      {props.wrong && (
        <Text size="xs" c="red" role="alert">
          {props.wrong}
        </Text>
      )}
      {value.length > longest - 200 && (
        <Text
          size="xs"
          c={value.length > longest ? "red" : "dimmed"}
          ta="end"
        >{t`${count(value.length)} of ${count(longest)} characters`}</Text>
      )}
    </>
  );
}
