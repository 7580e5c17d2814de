import {
  Alert,
  Button,
  Card,
  Chip,
  Group,
  List,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Live, Page, Rows, Status, Unsaved } from "../../components/ui";
import { graphql } from "../../gql";
import type { TemplateCategory } from "../../gql/graphql";
import { byField, errorText, payloadOf, settled } from "../../lib/errors";
import { count } from "../../lib/format";
import { useDraft } from "../../lib/kept";
import { real } from "../../lib/node";

const TemplateDocument = graphql(`
  query Template($id: ID!) {
    node(id: $id) {
      ... on Template {
        id
        revision
        name
        language
        category
        body
        version
        approvalStatus
        rejectionReason
      }
    }
  }
`);

const TemplateEditorDocument = graphql(`
  query TemplateEditor($search: String) {
    attributeKeys {
      key
      types
      coverage
      samples
    }
    contacts(search: $search, first: 20) {
      nodes {
        id
        name
        address
      }
    }
  }
`);

const TemplatePreviewDocument = graphql(`
  query TemplatePreview($input: TemplatePreviewInput!) {
    templatePreview(input: $input) {
      body
      missing
      warnings
      missingFor
    }
  }
`);

const TemplateCreateDocument = graphql(`
  mutation TemplateCreate($input: TemplateCreateInput!) {
    templateCreate(input: $input) {
      template {
        id
        name
        approvalStatus
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const TemplateUpdateDocument = graphql(`
  mutation TemplateUpdate($input: TemplateUpdateInput!) {
    templateUpdate(input: $input) {
      template {
        id
        revision
        name
        approvalStatus
      }
      userErrors {
        field
        message
      }
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

type Edited = {
  id?: string;
  revision?: number;
  name: string;
  language: string;
  category: TemplateCategory;
  body: string;
  approval?: string;
  version?: number;
};

export function TemplatePage() {
  const { id } = useParams({ from: "/templates/$id" });
  const [{ data, error }, load] = useQuery({
    query: TemplateDocument,
    variables: { id },
    pause: id === "new",
    requestPolicy: "network-only", // the form begins with it, and a save writes all of it
  });
  if (id === "new")
    return <Editor key="new" template={{ name: "", language: "en", category: "MARKETING", body: "" }} />;
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  const t = real(data?.node, "Template");
  if (!t) return <Rows />;
  return <Editor key={id} template={{ ...t, approval: t.approvalStatus }} />;
}

function Editor({ template }: { template: Edited }) {
  const may = useMay("MARKETER");
  const navigate = useNavigate();
  const area = useRef<HTMLTextAreaElement>(null);
  const {
    draft: form,
    change,
    dirty,
    forget,
    discard,
  } = useDraft(`template:${template.id ?? "new"}`, {
    name: template.name,
    language: template.language,
    category: template.category,
    body: template.body,
    revision: template.revision, // the one that the draft began with, also when it was kept since
  });
  const { name, language, category, body } = form;
  const [contactId, setContactId] = useState<string | null>(null);
  const [who, setWho] = useState("");
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState("");
  const [asked] = useDebouncedValue(who, 250);
  const [settledBody] = useDebouncedValue(body, 250);
  const [{ data }] = useQuery({ query: TemplateEditorDocument, variables: { search: asked || null } });
  const [preview] = useQuery({
    query: TemplatePreviewDocument,
    variables: { input: { body: settledBody, contactId } },
    pause: settledBody.trim() === "",
  });
  const [creating, create] = useMutation(TemplateCreateDocument);
  const [updating, update] = useMutation(TemplateUpdateDocument);
  const [testing, testSend] = useMutation(TemplateTestSendDocument);
  const insert = (placeholder: string) => {
    const at = area.current?.selectionStart ?? body.length;
    const text = `{{${placeholder}}}`;
    change({ body: body.slice(0, at) + text + body.slice(area.current?.selectionEnd ?? at) });
    requestAnimationFrame(() => {
      area.current?.focus();
      area.current?.setSelectionRange(at + text.length, at + text.length);
    });
  };
  const save = async (submit: boolean) => {
    setErrors({});
    setProblem("");
    const result = template.id
      ? await update({
          input: { id: template.id, name, language, category, body, submit, expectedVersion: form.revision },
        })
      : await create({ input: { name, language, category, body, submit } });
    if (result.error) return setProblem(errorText(result.error));
    const payload = payloadOf(result.data);
    if (payload?.userErrors.length) {
      const split = byField(payload.userErrors, ["name", "language", "category", "body"]);
      setErrors(split.fields);
      return setProblem(split.rest);
    }
    forget();
    notifications.show({
      message: submit ? `“${name}” is with WhatsApp for approval` : `“${name}” saved as a draft`,
      color: "green",
    });
    navigate({ to: "/templates" });
  };
  const p = preview.error || settledBody.trim() === "" ? undefined : preview.data?.templatePreview;
  const sent = template.approval && template.approval !== "DRAFT";
  return (
    <Page
      title={template.id ? template.name : "New template"}
      description={template.id ? `Version ${template.version}` : "A text with placeholders that each contact fills in"}
      actions={
        may && (
          <>
            {!sent && (
              <Button variant="default" onClick={() => save(false)} loading={creating.fetching || updating.fetching}>
                Save draft
              </Button>
            )}
            <Button
              onClick={() => save(true)}
              loading={creating.fetching || updating.fetching}
              disabled={Boolean(sent) && body === template.body && name === template.name}
            >
              {sent ? "Save as a new version" : "Submit for approval"}
            </Button>
          </>
        )
      }
    >
      {problem && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      {may && dirty && <Unsaved discard={discard} />}
      {template.approval && (
        <Group>
          <Status value={template.approval} />
        </Group>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card>
          <Stack>
            <TextInput
              label="Name"
              value={name}
              onChange={(e) => change({ name: e.currentTarget.value })}
              error={errors.name}
            />
            <SimpleGrid cols={{ base: 1, xs: 2 }}>
              <TextInput
                label="Language"
                description="As WhatsApp names it: en, de, pt_BR"
                value={language}
                onChange={(e) => change({ language: e.currentTarget.value })}
                error={errors.language}
              />
              <Select
                label="Category"
                description="WhatsApp may change it"
                data={[
                  { value: "MARKETING", label: "Marketing" },
                  { value: "UTILITY", label: "Utility" },
                  { value: "AUTHENTICATION", label: "Authentication" },
                ]}
                value={category}
                onChange={(v) => change({ category: (v as TemplateCategory | null) ?? "MARKETING" })}
                allowDeselect={false}
                error={errors.category}
              />
            </SimpleGrid>
            <Textarea
              ref={area}
              label="Text"
              description={`${body.length} of 1,024 characters`}
              placeholder="Hi {{name | there}}, our autumn sale has started."
              autosize
              minRows={5}
              value={body}
              onChange={(e) => change({ body: e.currentTarget.value })}
              error={errors.body}
            />
            <div>
              <Text size="sm" fw={500} mb={4}>
                Placeholders
              </Text>
              <Group gap={6}>
                {["name | there", ...(data?.attributeKeys ?? []).map((k) => `attributes.${k.key}`)].map((k) => (
                  <Chip key={k} size="xs" variant="outline" checked={false} onChange={() => insert(k)}>
                    {k}
                  </Chip>
                ))}
              </Group>
              <Text size="xs" c="dimmed" mt={6}>
                A fallback follows a bar: {"{{name | there}}"}. Also upper, lower, title, date "2 Jan", number.
              </Text>
            </div>
          </Stack>
        </Card>
        <Card>
          <Stack>
            <Title order={2} size="h4">
              Preview
            </Title>
            <Select
              label="Contact"
              placeholder="With sample values"
              searchable
              clearable
              data={(data?.contacts.nodes ?? []).map((c) => ({
                value: c.id,
                label: c.name ? `${c.name} · ${c.address}` : c.address,
              }))}
              value={contactId}
              onChange={setContactId}
              searchValue={who}
              onSearchChange={setWho}
              filter={({ options }) => options}
            />
            <div className="paper-phone">
              {p ? (
                <div className="bubble" data-testid="bubble">
                  {p.body}
                </div>
              ) : (
                <Text size="sm" c="dimmed">
                  {preview.error ? "" : "Write something to see it here."}
                </Text>
              )}
            </div>
            {preview.error && settledBody.trim() !== "" && (
              <Alert color="red" role="alert">
                {errorText(preview.error)}
              </Alert>
            )}
            {p && (
              <>
                <Live>{p.body}</Live>
                {p.missing.length > 0 && (
                  <Alert color="red">
                    This contact lacks {p.missing.join(", ")}: they would be skipped. Add a fallback.
                  </Alert>
                )}
                {p.missingFor > 0 && (
                  <Text size="sm">
                    {count(p.missingFor)} contacts lack a value that has no fallback; a campaign skips them.
                  </Text>
                )}
                {p.warnings.length > 0 && (
                  <Alert color="yellow" title="WhatsApp will not like this">
                    <List size="sm">
                      {p.warnings.map((w) => (
                        <List.Item key={w}>{w}</List.Item>
                      ))}
                    </List>
                  </Alert>
                )}
                {may && template.approval === "APPROVED" && (
                  <Button
                    variant="default"
                    disabled={!contactId}
                    loading={testing.fetching}
                    onClick={async () => {
                      if (
                        template.id &&
                        contactId &&
                        settled(await testSend({ input: { id: template.id, contactId } }))
                      )
                        notifications.show({ message: "Test message on its way", color: "green" });
                    }}
                  >
                    Send a test to this contact
                  </Button>
                )}
              </>
            )}
          </Stack>
        </Card>
      </SimpleGrid>
    </Page>
  );
}
