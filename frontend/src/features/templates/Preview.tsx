import { plural, t } from "@lingui/core/macro";
import { ActionIcon, Alert, Button, Group, SegmentedControl, Select, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconAlertTriangle, IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { useMutation, useQuery } from "urql";
import { Dialog } from "../../components/Dialog";
import { nameOf, numberOf } from "../../components/Person";
import { Phone } from "../../components/Phone";
import { Live } from "../../components/ui";
import { WhatsAppMessage } from "../../components/WhatsAppMessage";
import { WhatsAppText } from "../../components/WhatsAppText";
import { graphql } from "../../gql";
import type { TemplateCategory } from "../../gql/graphql";
import { errorText, problemOf } from "../../lib/errors";
import { count, sentence } from "../../lib/format";
import { fieldName, type Known } from "../../lib/placeholders";
import { type Content, contentInput } from "./content";
import { readPlaceholder } from "./placeholders";

const TestRecipients = lazy(async () => ({
  default: (await import("../../components/TestRecipients")).TestRecipients,
}));

const TemplatePreviewDocument = graphql(`
  query TemplatePreview($input: TemplatePreviewInput!) {
    templatePreview(input: $input) {
      body
      content {
        ...TemplateContentParts
      }
      missing
      problems {
        field
        message
      }
      warnings
      missingFor
    }
  }
`);

const PreviewContactsDocument = graphql(`
  query PreviewContacts($search: String) {
    contacts(search: $search, first: 25) {
      nodes {
        id
        name
        displayAddress
      }
    }
    senders {
      id
      displayName
    }
  }
`);

const TemplateTestSendDocument = graphql(`
  mutation TemplateTestSend($input: TemplateTestSendInput!) {
    templateTestSend(input: $input) {
      message {
        id
      }
      userErrors {
        message
      }
    }
  }
`);

export type Problems = readonly { field?: readonly string[] | null; message: string }[];

/** The message on a phone, with samples or as real contacts get it, and what WhatsApp would say to it. */
export function Preview(props: {
  body: string;
  content: Content;
  category: TemplateCategory;
  attributes: readonly Known[];
  /** Told what keeps the template from being saved. */
  onProblems: (problems: Problems) => void;
  testOf?: string;
}) {
  const { attributes, onProblems } = props;
  const [body] = useDebouncedValue(props.body, 250);
  const [content] = useDebouncedValue(props.content, 250);
  const [real, setReal] = useState(false);
  const [contactId, setContactId] = useState<string | null>(null);
  const [who, setWho] = useState("");
  const [asked] = useDebouncedValue(who, 250);
  const [{ data }] = useQuery({ query: PreviewContactsDocument, variables: { search: asked || null } });
  const contacts = data?.contacts.nodes ?? [];
  const at = Math.max(
    contacts.findIndex((c) => c.id === contactId),
    0,
  );
  const chosen = real ? (contactId ?? contacts[0]?.id ?? null) : null;
  const empty = body.trim() === "" && content.shape !== "authentication";
  const [preview] = useQuery({
    query: TemplatePreviewDocument,
    variables: { input: { body, content: contentInput(content), category: props.category, contactId: chosen } },
    pause: empty,
  });
  const [, testSend] = useMutation(TemplateTestSendDocument);
  const [testing, setTesting] = useState(false);
  const p = preview.error || empty ? undefined : preview.data?.templatePreview;
  const problems = p?.problems;
  useEffect(() => {
    if (problems) onProblems(problems);
  }, [problems, onProblems]);
  const step = (by: number) => {
    const next = contacts[(at + by + contacts.length) % contacts.length];
    if (next) setContactId(next.id);
  };
  const missing = p?.missing.map((m) => fieldName(readPlaceholder(m)?.name ?? m, attributes)).join(", ");
  return (
    <Stack gap="md">
      <SegmentedControl
        aria-label={t`Fill placeholders with`}
        value={real ? "real" : "samples"}
        onChange={(v) => setReal(v === "real")}
        data={[
          { value: "samples", label: t`Sample values` },
          { value: "real", label: t`Real contacts` },
        ]}
      />
      {real && (
        <Group gap="xs" wrap="nowrap">
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t`Previous contact`}
            disabled={contacts.length < 2}
            onClick={() => step(-1)}
          >
            <IconChevronLeft size={18} />
          </ActionIcon>
          <Select
            aria-label={t`Contact`}
            flex={1}
            searchable
            allowDeselect={false}
            data={contacts.map((c) => ({
              value: c.id,
              label: [nameOf(c), numberOf(c)].filter(Boolean).join(" · "),
            }))}
            value={chosen}
            onChange={setContactId}
            searchValue={who || undefined}
            onSearchChange={(v) => setWho(contacts.some((c) => v.startsWith(nameOf(c)) && v.includes("·")) ? "" : v)}
            filter={({ options }) => options}
            nothingFoundMessage={t`No contact`}
            placeholder={t`No contacts yet`}
          />
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t`Next contact`}
            disabled={contacts.length < 2}
            onClick={() => step(1)}
          >
            <IconChevronRight size={18} />
          </ActionIcon>
        </Group>
      )}
      <Phone from={data?.senders[0]?.displayName ?? t`Your business`}>
        {p ? (
          <WhatsAppMessage content={p.content} testId="bubble">
            <WhatsAppText>{p.body}</WhatsAppText>
          </WhatsAppMessage>
        ) : (
          <WhatsAppMessage>
            {empty ? (
              <Text size="sm" c="dimmed">{t`Your message appears here.`}</Text>
            ) : (
              <WhatsAppText>{body}</WhatsAppText> // as it was typed, while it cannot be filled in
            )}
          </WhatsAppMessage>
        )}
      </Phone>
      {preview.error && !empty && (
        <Alert color="red" role="alert" icon={<IconAlertTriangle />}>
          {sentence(errorText(preview.error))}
        </Alert>
      )}
      {p && (
        <>
          <Live>{p.body}</Live>
          {p.missing.length > 0 && (
            <Alert
              color="red"
              title={t`Skipped`}
            >{t`This contact has no value for ${missing ?? ""}. Give the placeholder a fallback, or campaigns skip them.`}</Alert>
          )}
          <Text size="sm" data-testid="skipped">
            {p.missingFor > 0
              ? plural(p.missingFor, {
                  one: "# contact has no value for a placeholder without a fallback: campaigns skip them.",
                  other: "# contacts have no value for a placeholder without a fallback: campaigns skip them.",
                })
              : t`Every contact has the values that this message needs.`}
          </Text>
          {p.warnings.length > 0 && (
            <Alert color="yellow" icon={<IconAlertTriangle />} title={t`WhatsApp would refuse this`}>
              <Text component="ul" size="sm" m={0} ps="md">
                {p.warnings.map((w) => (
                  <li key={w}>{sentence(w)}</li>
                ))}
              </Text>
            </Alert>
          )}
          {props.testOf && (
            <Button variant="default" onClick={() => setTesting(true)}>
              {t`Send a test`}
            </Button>
          )}
        </>
      )}
      <Dialog opened={testing} onClose={() => setTesting(false)} title={t`Send a test`}>
        <Suspense>
          <TestRecipients
            address={real ? contacts.find((c) => c.id === chosen)?.displayAddress : undefined}
            send={async (contactId) => problemOf(await testSend({ input: { id: props.testOf ?? "", contactId } }))}
            onDone={() => setTesting(false)}
          />
        </Suspense>
      </Dialog>
    </Stack>
  );
}

/** "312 of 1,024 characters · 2 of 10 emojis" */
export const limitsText = (body: string) => t`${count([...body].length)} of 1,024 characters`;
