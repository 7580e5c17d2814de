import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { ActionIcon, Anchor, Button, Group, Select, Text } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { useQuery } from "urql";
import { WhatsAppMessage } from "../../components/WhatsAppMessage";
import { WhatsAppText } from "../../components/WhatsAppText";
import { graphql } from "../../gql";
import { errorText } from "../../lib/errors";
import { languageName } from "../../lib/format";
import type { Person } from "./Composer";

const SendableDocument = graphql(`
  query SendableTemplates($windowOpen: Boolean!) {
    templates(filter: { sendable: true, windowOpen: $windowOpen }, first: 200) {
      nodes {
        id
        name
        language
      }
    }
  }
`);
const TemplateForContactDocument = graphql(`
  query TemplateForContact($input: TemplatePreviewInput!) {
    templatePreview(input: $input) {
      body
      content {
        ...TemplateContentParts
      }
      missing
    }
  }
`);

/** An approved template, as this contact will read it. */
export function TemplateChoice(props: {
  contact: Person;
  windowOpen: boolean;
  field: React.RefObject<HTMLInputElement | null>;
  /** Grows when the field is to have the focus. */
  focused: number;
  value: string | null;
  onChange: (id: string | null) => void;
  sending: boolean;
  onSend: (id: string) => void;
  onCancel?: () => void;
}) {
  const { contact: c, value, field, focused } = props;
  useEffect(() => {
    if (focused) field.current?.focus();
  }, [focused, field]);
  const consented = c.consentStatus === "OPTED_IN";
  const [{ data }] = useQuery({
    query: SendableDocument,
    variables: { windowOpen: props.windowOpen },
    pause: !consented,
  });
  const chosen = data?.templates.nodes.find((template) => template.id === value);
  const [{ data: shown, error }] = useQuery({
    query: TemplateForContactDocument,
    variables: {
      input: { templateId: chosen?.id, contactId: c.id },
    },
    pause: !chosen,
  });
  if (!consented)
    return (
      <Group justify="space-between" gap="xs">
        <Text size="sm">
          <Trans>
            A template needs their consent, and none is recorded.{" "}
            <Anchor component={Link} to={`/contacts/${c.id}`} size="sm">
              Record it
            </Anchor>
          </Trans>
        </Text>
        {props.onCancel && (
          <Button size="xs" variant="default" onClick={props.onCancel}>{t`Write a reply instead`}</Button>
        )}
      </Group>
    );
  const preview = chosen ? shown?.templatePreview : undefined;
  const missing = preview?.missing ?? [];
  return (
    <>
      {chosen && (
        <div className="thread inbox-preview" role="status" aria-label={t`Preview`}>
          <WhatsAppMessage content={preview?.content}>
            {error ? errorText(error) : preview ? <WhatsAppText>{preview.body}</WhatsAppText> : "…"}
          </WhatsAppMessage>
        </div>
      )}
      {missing.length > 0 && (
        <Text
          size="xs"
          c="red"
        >{t`${missing.map((m) => `{{${m}}}`).join(", ")}: this contact has no value for it, and the template no fallback.`}</Text>
      )}
      <Group gap="xs" wrap="nowrap">
        <Select
          ref={field}
          aria-label={t`Template`}
          placeholder={t`Choose an approved template`}
          clearable
          searchable
          flex={1}
          nothingFoundMessage={t`No approved template with that name`}
          data={
            data?.templates.nodes.map((template) => ({
              value: template.id,
              label: `${template.name} (${languageName(template.language)})`,
            })) ?? []
          }
          value={chosen ? value : null}
          onChange={props.onChange}
        />
        {props.onCancel && (
          <ActionIcon
            data-hint={t`Write a reply instead`}
            size={36}
            variant="subtle"
            color="gray"
            aria-label={t`Write a reply instead`}
            onClick={props.onCancel}
          >
            <IconX size={18} />
          </ActionIcon>
        )}
        <Button
          loading={props.sending}
          disabled={!preview || missing.length > 0}
          onClick={() => value && props.onSend(value)}
        >{t`Send`}</Button>
      </Group>
    </>
  );
}
