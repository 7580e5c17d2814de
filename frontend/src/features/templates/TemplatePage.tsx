import { t } from "@lingui/core/macro";
import { Alert, Anchor, Box, Button, Card, Grid, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconHistory, IconLanguage } from "@tabler/icons-react";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { SideDialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { LinkButton, Missing, Page, Rows, Status, Unsaved } from "../../components/ui";
import { graphql } from "../../gql";
import type { TemplateCategory } from "../../gql/graphql";
import { useGoAfter } from "../../lib/address";
import { byField, errorText, payloadOf } from "../../lib/errors";
import { languageName, midSentence, sentence, words } from "../../lib/format";
import { useDraft } from "../../lib/kept";
import { locale } from "../../lib/language";
import { real } from "../../lib/node";
import { notifications } from "../../lib/notifications";
import { useAttributes } from "../attributes/useAttributes";
import { BodyField } from "./BodyField";
import { FooterAndButtons, HeaderEditor } from "./ContentEditor";
import { type Content, contentInput, noContent, problemsByField, readContent, type Shape, shapes } from "./content";
import { limitsText, Preview, type Problems } from "./Preview";

// The page is there before its editor, which is a third of it.
// What is not a plain message has an editor that comes with its shape.
const shapesOf = () => import("./OtherShapes");
const CardsEditor = lazy(async () => ({ default: (await shapesOf()).CardsEditor }));
const ListEditor = lazy(async () => ({ default: (await shapesOf()).ListEditor }));
const AuthenticationEditor = lazy(async () => ({ default: (await shapesOf()).AuthenticationEditor }));
const CatalogEditor = lazy(async () => ({ default: (await shapesOf()).CatalogEditor }));
const FlowEditor = lazy(async () => ({ default: (await shapesOf()).FlowEditor }));
const Versions = lazy(async () => ({ default: (await import("./Versions")).Versions }));

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
        content {
          ...TemplateContentParts
        }
        version
        approvalStatus
        rejectionReason
        advice
        translations {
          id
          language
          approvalStatus
        }
      }
    }
  }
`);

const TemplateEditorDocument = graphql(`
  query TemplateEditor {
    templateLanguages {
      code
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

type Edited = {
  id?: string;
  revision?: number;
  name: string;
  language: string;
  category: TemplateCategory;
  body: string;
  content: Content;
  approval?: string;
  version?: number;
  rejectionReason?: string | null;
  advice?: string | null;
  translations?: readonly { id: string; language: string; approvalStatus: string }[];
  /** Of a new translation: the language that it begins with. */
  of?: string;
};

const blank: Edited = {
  name: "",
  language: "en",
  category: "MARKETING",
  body: "",
  content: noContent,
};

export function TemplatePage() {
  const { id } = useParams({ from: "/templates/$id" });
  const like = useSearch({ from: "__root__" }).like; // a new translation of this one
  const [{ data, error, fetching }, load] = useQuery({
    query: TemplateDocument,
    variables: { id: id === "new" ? (like ?? "") : id },
    pause: id === "new" && !like,
    requestPolicy: "network-only", // the form begins with it, and a save writes all of it
  });
  if (id === "new" && !like) return <Editor key="new" template={blank} />;
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  const template = real(data?.node, "Template");
  // While another one is being read, the one before is still here.
  if (fetching && template?.id !== (id === "new" ? like : id)) return <Rows />;
  if (!template) return <Missing title={t`Template not found`}>{t`It may have been deleted.`}</Missing>;
  if (id === "new")
    return (
      <Editor
        key={`like ${like}`}
        template={{
          name: template.name,
          language: "",
          category: template.category,
          body: template.body,
          content: readContent(template.content),
          of: languageName(template.language),
        }}
      />
    );
  return (
    <Editor
      key={`${id} ${template.version}`}
      template={{ ...template, content: readContent(template.content), approval: template.approvalStatus }}
    />
  );
}

/** A template that is written where one is needed. */
export const NewTemplate = (props: { name?: string; onSaved: (id: string) => void }) => (
  <Editor template={{ ...blank, name: props.name ?? "" }} onSaved={props.onSaved} />
);

/** What concerns the parts together, or what only clients of the API set. */
const hasNoField = (field: string) =>
  field === "content" || /^content\.(buttons|list|cards)\b.*\.(id|type)$/.test(field);

/** Approvals with which a version may be tried out on somebody. */
const sendable = ["APPROVED", "WINDOW_ONLY"];
/** Those that a campaign can be planned with: WhatsApp's answer may still come. */
const campaigns = ["APPROVED", "SUBMITTED"];

const categories = [
  { value: "MARKETING", label: t`Marketing` },
  { value: "UTILITY", label: t`Utility` },
  { value: "AUTHENTICATION", label: t`Authentication` },
];

/** The template's other languages. */
function Languages({ template, may }: { template: Edited; may: boolean }) {
  return (
    <Group gap="xs">
      <Text size="sm" c="dimmed">
        {template.translations?.length ? t`Other languages:` : t`Only in one language.`}
      </Text>
      {template.translations?.map((other) => (
        <Anchor key={other.id} component={Link} to={`/templates/${other.id}`} size="sm" underline="always">
          {languageName(other.language)}
          {other.approvalStatus !== "APPROVED" && ` (${midSentence(words(other.approvalStatus))})`}
        </Anchor>
      ))}
      {may && (
        <LinkButton
          to="/templates/$id"
          params={{ id: "new" }}
          search={{ like: template.id }}
          variant="subtle"
          size="compact-sm"
          leftSection={<IconLanguage size={16} />}
        >{t`Add a language`}</LinkButton>
      )}
    </Group>
  );
}

function Editor({
  template,
  onSaved,
}: {
  template: Edited;
  /** In a drawer: what comes then is for whoever opened it. */
  onSaved?: (id: string) => void;
}) {
  const may = useMay("MARKETER");
  const goAfter = useGoAfter();
  const { draft, change, dirty, forget, discard } = useDraft(
    `template:${template.id ?? (template.of ? `of ${template.name}` : "new")}`,
    {
      name: template.name,
      language: template.language,
      category: template.category,
      body: template.body,
      content: template.content,
      revision: template.revision, // the one that the draft began with, also when it was kept since
    },
  );
  const { name, language, category, body, content } = draft;
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState("");
  const [problems, setProblems] = useState<Problems>([]); // what the preview found
  const [tried, setTried] = useState(false); // to save
  const [history, setHistory] = useState(false); // the versions are shown
  const [{ data }] = useQuery({ query: TemplateEditorDocument });
  const [creating, create] = useMutation(TemplateCreateDocument);
  const [updating, update] = useMutation(TemplateUpdateDocument);
  const attributes = useAttributes();
  const known = (data?.templateLanguages ?? []).map((l) => l.code);
  const languages = (known.includes(language) || !language ? known : [language, ...known])
    .map((code) => ({ value: code, label: `${languageName(code)} (${code})` }))
    .sort((a, b) => a.label.localeCompare(b.label, locale));
  /** Corrected fields are no longer red. */
  const edit = (changed: Partial<typeof draft>) => {
    change(changed);
    setErrors((e) =>
      Object.fromEntries(Object.entries(e).filter(([field]) => !((field.split(".", 1)[0] ?? "") in changed))),
    );
  };
  const save = async (submit: boolean) => {
    setErrors({});
    setProblem("");
    const go = goAfter();
    setTried(true);
    const input = { name, language, category, body: content.shape === "authentication" ? "" : body, submit };
    const parts = contentInput(content);
    const result = template.id
      ? await update({ input: { ...input, id: template.id, content: parts, expectedVersion: draft.revision } })
      : await create({ input: { ...input, content: parts } });
    if (result.error) return setProblem(errorText(result.error));
    const payload = payloadOf(result.data);
    if (payload?.userErrors.length) {
      const split = byField(payload.userErrors, ["name", "language", "category", "body", "content"]);
      setErrors(problemsByField(payload.userErrors, true));
      // What concerns the parts stands at their fields, and what concerns all of them here.
      const whole = payload.userErrors.filter((e) => hasNoField(e.field?.join(".") ?? "")).map((e) => e.message);
      return setProblem([...whole, split.rest].filter(Boolean).join("; "));
    }
    notifications.show({
      message: submit ? t`“${name}” was submitted to WhatsApp for approval` : t`“${name}” saved as a draft`,
      color: "green",
    });
    const made = result.data && "templateCreate" in result.data ? result.data.templateCreate.template : undefined;
    if (!onSaved) {
      forget();
      return go({ to: "/templates" });
    }
    discard(); // the next one begins empty
    if (made) onSaved(made.id);
  };
  const sent = template.approval && template.approval !== "DRAFT";
  const saving = creating.fetching || updating.fetching;
  const edited = JSON.stringify(contentInput(content)) !== JSON.stringify(contentInput(template.content));
  const found = { ...problemsByField(problems, tried), ...errors };
  const parts = {
    value: content,
    onChange: (changed: Partial<Content>) => edit({ content: { ...content, ...changed } }),
    errors: found,
    attributes,
    readOnly: !may,
  };
  const unchanged = body === template.body && name === template.name && !edited;
  const usable = sent && !onSaved && campaigns.includes(template.approval ?? "") && category !== "AUTHENTICATION";
  const saveButtons = may && (
    <>
      {!sent && <Button variant="default" onClick={() => save(false)} loading={saving}>{t`Save draft`}</Button>}
      {!(sent && unchanged) && (
        <Button onClick={() => save(true)} loading={saving}>
          {sent ? t`Save as a new version` : t`Submit for approval`}
        </Button>
      )}
    </>
  );
  const form = (
    <>
      {problem && (
        <Alert color="red" role="alert">
          {sentence(problem)}
        </Alert>
      )}
      {may && dirty && <Unsaved discard={discard} />}
      {template.approval === "WINDOW_ONLY" && (
        <Text
          size="sm"
          c="dimmed"
        >{t`Lists need no approval. They can be sent within 24 hours after a contact's last message.`}</Text>
      )}
      {template.approval === "SUBMITTED" && (
        <Text size="sm" c="dimmed">{t`WhatsApp usually decides within minutes, at most in 48 hours.`}</Text>
      )}
      {template.id && <Languages template={template} may={may} />}
      {template.advice && (
        <Alert
          color="red"
          icon={<IconAlertTriangle />}
          title={template.rejectionReason ? t`WhatsApp says: ${template.rejectionReason}` : undefined}
        >
          {template.advice}
        </Alert>
      )}
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Card>
            <Stack>
              <TextInput
                label={t`Name`}
                description={t`For your team; contacts do not see it`}
                inputWrapperOrder={["label", "input", "error", "description"]}
                value={name}
                onChange={(e) => edit({ name: e.currentTarget.value })}
                error={errors.name && sentence(errors.name)}
                readOnly={!may}
              />
              <div className="pair">
                <Select
                  label={t`Language`}
                  searchable
                  data={languages}
                  value={language || null}
                  placeholder={t`Choose the language`}
                  onChange={(v) => v && edit({ language: v })}
                  allowDeselect={false}
                  nothingFoundMessage={t`WhatsApp takes no templates in it`}
                  error={errors.language && sentence(errors.language)}
                  readOnly={!may}
                />
                <Select
                  label={t`Category`}
                  description={t`WhatsApp may change it`}
                  inputWrapperOrder={["label", "input", "error", "description"]}
                  data={categories}
                  value={category}
                  onChange={(v) => edit({ category: (v as TemplateCategory | null) ?? "MARKETING" })}
                  allowDeselect={false}
                  error={found.category && sentence(found.category)}
                  readOnly={!may}
                />
              </div>
              <Select
                label={t`Kind`}
                description={shapes.find((s) => s.value === content.shape)?.description}
                inputWrapperOrder={["label", "input", "error", "description"]}
                data={shapes.map((s) => ({ value: s.value, label: s.label }))}
                value={content.shape}
                onChange={(v) => {
                  const shape = (v ?? "message") as Shape;
                  edit({
                    content: { ...content, shape },
                    category:
                      shape === "authentication"
                        ? "AUTHENTICATION"
                        : shape === "cards" || category === "AUTHENTICATION"
                          ? "MARKETING"
                          : category,
                  });
                }}
                allowDeselect={false}
                readOnly={!may}
              />
              {content.shape === "message" && <HeaderEditor {...parts} />}
              {content.shape !== "authentication" && (
                <BodyField
                  value={body}
                  onChange={(text) => edit({ body: text })}
                  attributes={attributes}
                  description={limitsText(body)}
                  error={errors.body && sentence(errors.body)}
                  readOnly={!may}
                  lang={language}
                />
              )}
              {content.shape === "message" && <FooterAndButtons {...parts} />}
              <Suspense fallback={<Rows n={3} />}>
                {content.shape === "cards" && <CardsEditor {...parts} />}
                {content.shape === "list" && <ListEditor {...parts} />}
                {content.shape === "authentication" && <AuthenticationEditor {...parts} />}
                {content.shape === "catalog" && <CatalogEditor {...parts} />}
                {content.shape === "flow" && <FlowEditor {...parts} />}
              </Suspense>
            </Stack>
          </Card>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Box maw={420} mx="auto" pos="sticky" top={76}>
            <Preview
              body={content.shape === "authentication" ? "" : body}
              content={content}
              category={category}
              attributes={attributes}
              onProblems={setProblems}
              testOf={may && sendable.includes(template.approval ?? "") ? template.id : undefined}
            />
          </Box>
        </Grid.Col>
      </Grid>
    </>
  );
  if (onSaved)
    return (
      <Stack>
        {form}
        <Group justify="flex-end">{saveButtons}</Group>
      </Stack>
    );
  return (
    <Page
      editor={may}
      up={{ to: "/templates", label: t`Templates` }}
      title={template.id ? template.name : template.of ? t`Translate “${template.name}”` : t`New template`}
      description={
        template.id ? (
          <Group gap="xs">
            {t`${languageName(template.language)} · version ${template.version ?? 1}`}
            {template.approval && <Status value={template.approval} />}
          </Group>
        ) : template.of ? (
          t`From ${template.of}. Contacts get the language that is theirs.`
        ) : (
          t`WhatsApp approves each template before it can be sent`
        )
      }
      actions={
        <>
          {template.id && (template.version ?? 1) > 1 && (
            <Button variant="default" leftSection={<IconHistory size={16} />} onClick={() => setHistory(true)}>
              {t`Versions`}
            </Button>
          )}
          {saveButtons}
          {may && usable && (
            <LinkButton
              to="/campaigns/new"
              search={{ template: template.id }}
              variant={unchanged ? "filled" : "default"}
            >{t`Use in a campaign`}</LinkButton>
          )}
        </>
      }
    >
      {template.id && (
        <SideDialog opened={history} onClose={() => setHistory(false)} title={t`Versions`} position="right" size={640}>
          <Suspense fallback={<Rows />}>
            <Versions
              id={template.id}
              onRestored={() => {
                setHistory(false);
                discard();
              }}
            />
          </Suspense>
        </SideDialog>
      )}
      {form}
    </Page>
  );
}
