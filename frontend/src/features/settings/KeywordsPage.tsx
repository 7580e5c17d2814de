import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import {
  ActionIcon,
  Alert,
  Badge,
  Button,
  Card,
  Code,
  Group,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Table,
  Text,
  Textarea,
  TextInput,
  Title,
  VisuallyHidden,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconLock, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { KeywordAnswersSetInput, KeywordMeaning, KeywordWordsFragment } from "../../gql/graphql";
import { useAddress } from "../../lib/address";
import { byField, errorText, settled } from "../../lib/errors";
import { count, languageName } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { SettingsTab } from "./SettingsTab";

const LanguagesDocument = graphql(`
  query KeywordLanguages {
    keywords {
      languages {
        code
        name
      }
    }
  }
`);
const KeywordsDocument = graphql(`
  query Keywords($code: String!) {
    keywords {
      languages(code: $code) {
        ...KeywordWords
      }
    }
  }
`);

// The words of a language. A change answers with them, and the cache knows a language by its code.
graphql(`
  fragment KeywordWords on KeywordLanguage {
    code
    name
    source
    phrases {
      meaning
      phrase
      builtIn
      on
      binding
    }
    answers {
      stop
      start
      help
      left
      joined
      own
    }
  }
`);
const TrialDocument = graphql(`
  query KeywordTrial($text: String!) {
    keywordTrial(text: $text) {
      effect
      explanation
      rule
      language
      matched
      answer
      version
    }
  }
`);
const AddDocument = graphql(`
  mutation KeywordAdd($input: KeywordAddInput!, $code: String!) {
    keywordAdd(input: $input) {
      keywords {
        languages(code: $code) {
          ...KeywordWords
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const RemoveDocument = graphql(`
  mutation KeywordRemove($input: KeywordRemoveInput!, $code: String!) {
    keywordRemove(input: $input) {
      keywords {
        languages(code: $code) {
          ...KeywordWords
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const SwitchDocument = graphql(`
  mutation KeywordSwitch($input: KeywordSwitchInput!, $code: String!) {
    keywordSwitch(input: $input) {
      keywords {
        languages(code: $code) {
          ...KeywordWords
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const AnswersDocument = graphql(`
  mutation KeywordAnswersSet($input: KeywordAnswersSetInput!, $code: String!) {
    keywordAnswersSet(input: $input) {
      keywords {
        languages(code: $code) {
          ...KeywordWords
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Language = KeywordWordsFragment;
type Phrase = Language["phrases"][number];

const meanings: Record<KeywordMeaning, string> = { STOP: t`Opts out`, START: t`Opts in`, HELP: t`Gets help` };

/** The words by which contacts opt out, opt in and ask for help. */
export function KeywordsPage() {
  const { search, change } = useAddress();
  const code = search.status ?? "en";
  const [{ data, error }, load] = useQuery({ query: LanguagesDocument });
  const [{ data: one, error: oneError }, again] = useQuery({ query: KeywordsDocument, variables: { code } });
  const language = one?.keywords.languages.find((l) => l.code === code);
  const failed = error ?? oneError;
  return (
    <SettingsTab
      title={t`Keywords`}
      description={t`What contacts write to opt out, opt in or get help, and what answers them`}
    >
      <Trial />
      {failed ? (
        <Failed
          error={failed}
          retry={() => {
            load({ requestPolicy: "network-only" });
            again({ requestPolicy: "network-only" });
          }}
        />
      ) : (
        <Stack>
          <Select
            label={t`Language`}
            searchable
            allowDeselect={false}
            data={(data?.keywords.languages ?? []).map((l) => ({ value: l.code, label: `${l.name} (${l.code})` }))}
            value={code}
            onChange={(v) => v && change({ status: v === "en" ? undefined : v })}
            maw={320}
          />
          {!language ? (
            <Rows />
          ) : (
            <SimpleGrid cols={{ base: 1, lg: 2 }}>
              <Phrases key={`phrases ${code}`} language={language} />
              <Answers key={`answers ${code}`} language={language} />
            </SimpleGrid>
          )}
        </Stack>
      )}
    </SettingsTab>
  );
}

const effects: Record<string, { color: string; label: string }> = {
  OPTS_OUT: { color: "red", label: t`Opts out` },
  OPTS_IN: { color: "green", label: t`Opts in` },
  HELP: { color: "blue", label: t`Gets help` },
  REVIEW: { color: "yellow", label: t`Goes to review` },
  NONE: { color: "gray", label: t`Nothing` },
};

/** Tries what a message would do, without doing it. */
function Trial() {
  const [text, setText] = useState("");
  const [asked] = useDebouncedValue(text.trim(), 300);
  const [{ data, error, fetching }] = useQuery({
    query: TrialDocument,
    variables: { text: asked },
    pause: asked === "",
  });
  const trial = asked === "" || fetching ? undefined : data?.keywordTrial; // while the next comes, not the one before
  const effect = trial && effects[trial.effect];
  const answer = <q dir="auto">{trial?.answer}</q>;
  return (
    <Card>
      <Title order={2} size="h4" mb="xs">{t`Try a message`}</Title>
      <Textarea
        aria-label={t`Message to try`}
        placeholder={t`Please stop sending me these messages`}
        description={t`Shows what would happen if a contact wrote this. Nothing is changed.`}
        autosize
        minRows={2}
        maxLength={4096}
        value={text}
        onChange={(e) => setText(e.currentTarget.value)}
      />
      {error && (
        <Alert color="red" mt="sm">
          {errorText(error)}
        </Alert>
      )}
      <div role="status">
        {trial && effect && (
          <Alert color={effect.color} title={effect.label} mt="sm" role="group">
            <Stack gap="xs">
              <Text size="sm">{trial.explanation}</Text>
              {trial.rule && (
                <Group gap="xs">
                  <Text size="sm">
                    {trial.language
                      ? t`Rule “${trial.rule}” in ${languageName(trial.language)}, words ${trial.version}`
                      : t`Rule “${trial.rule}”, words ${trial.version}`}
                  </Text>
                  {trial.matched.map((m) => (
                    <Code key={m} style={{ overflowWrap: "anywhere" }}>
                      {m}
                    </Code>
                  ))}
                </Group>
              )}
              {trial.answer && (
                <Text size="sm">
                  <Trans>Answer: {answer}</Trans>
                </Text>
              )}
            </Stack>
          </Alert>
        )}
      </div>
    </Card>
  );
}

function Phrases(props: { language: Language }) {
  const admin = useMay("ADMIN");
  const [, add] = useMutation(AddDocument);
  const [, remove] = useMutation(RemoveDocument);
  const [, turn] = useMutation(SwitchDocument);
  const [phrase, setPhrase] = useState("");
  const [meaning, setMeaning] = useState<KeywordMeaning>("STOP");
  const [wrong, setWrong] = useState<string>();
  const [all, setAll] = useState(false);
  const { code, name, source, phrases } = props.language;
  const shown = all ? phrases : phrases.slice(0, 25);
  const put = async () => {
    const result = await add({ code, input: { language: code, meaning, phrase } });
    const split = byField(result.data?.keywordAdd.userErrors ?? [], ["phrase"]);
    if (split.fields.phrase || split.rest) return setWrong(split.fields.phrase ?? split.rest);
    if (!settled(result)) return;
    setWrong(undefined);
    setPhrase("");
  };
  return (
    <Card>
      <Title order={2} size="h4">{t`Phrases`}</Title>
      <Text
        size="sm"
        c="dimmed"
        mb="sm"
      >{t`${name}: ${source}. Courtesy and words such as “messages” around a phrase change nothing. A lock marks what is binding by law, WhatsApp or Twilio and cannot be switched off.`}</Text>
      {admin && (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            put();
          }}
        >
          <Group align="flex-start" mb="md">
            <TextInput
              aria-label={t`New phrase`}
              placeholder={t`New phrase`}
              value={phrase}
              onChange={(e) => setPhrase(e.currentTarget.value)}
              error={wrong}
              maxLength={60}
              flex={1}
              miw={160}
            />
            <Select
              aria-label={t`What it does`}
              data={Object.entries(meanings).map(([value, label]) => ({ value, label }))}
              value={meaning}
              onChange={(v) => v && setMeaning(v as KeywordMeaning)}
              allowDeselect={false}
              w={130}
            />
            <Button type="submit" disabled={!phrase.trim()}>{t`Add`}</Button>
          </Group>
        </form>
      )}
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t`Phrase`}</Table.Th>
            <Table.Th>{t`Does`}</Table.Th>
            <Table.Th w={70}>
              <VisuallyHidden>{t`On`}</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map((p) => (
            <Table.Tr key={`${p.meaning} ${p.phrase}`}>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                <bdi>{p.phrase}</bdi> {!p.builtIn && <Badge variant="light">{t`added`}</Badge>}
              </Table.Td>
              <Table.Td>{meanings[p.meaning]}</Table.Td>
              <Table.Td>
                <State
                  phrase={p}
                  may={admin}
                  remove={async () => settled(await remove({ code, input: { language: code, phrase: p.phrase } }))}
                  turn={async (on) => settled(await turn({ code, input: { language: code, phrase: p.phrase, on } }))}
                />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {phrases.length > shown.length && (
        <Button variant="subtle" mt="xs" onClick={() => setAll(true)}>{t`Show all ${count(phrases.length)}`}</Button>
      )}
    </Card>
  );
}

/** Whether a phrase counts, and what may be done about it. */
function State(props: { phrase: Phrase; may: boolean; remove: () => void; turn: (on: boolean) => void }) {
  const p = props.phrase;
  if (p.binding) return <IconLock size={16} role="img" aria-label={t`“${p.phrase}” is binding`} />;
  if (!p.builtIn)
    return props.may ? (
      <ActionIcon variant="subtle" color="red" aria-label={t`Remove “${p.phrase}”`} onClick={props.remove}>
        <IconTrash size={16} />
      </ActionIcon>
    ) : null;
  return (
    <Switch
      size="sm"
      checked={p.on}
      disabled={!props.may}
      aria-label={t`“${p.phrase}” counts`}
      onChange={(e) => props.turn(e.currentTarget.checked)}
    />
  );
}

type AnswerName = Exclude<keyof KeywordAnswersSetInput, "language">;
const answerFields: [AnswerName, string, string][] = [
  ["stop", t`After an opt-out`, t`Sent once. The law allows a confirmation, without advertising.`],
  ["start", t`After an opt-in`, t`Say how to leave again.`],
  ["help", t`For help`, t`Who you are, and how to opt out.`],
  ["left", t`After leaving a topic`, t`${"{topic}"} is its name, ${"{keyword}"} its keyword.`],
  ["joined", t`After joining a topic`, t`${"{topic}"} is its name, ${"{keyword}"} its keyword.`],
];

function Answers({ language }: { language: Language }) {
  const admin = useMay("ADMIN");
  const [{ fetching }, save] = useMutation(AnswersDocument);
  const { code, answers } = language;
  const [edits, setEdits] = useState<Partial<Record<AnswerName, string>>>({});
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const textOf = (field: AnswerName) => edits[field] ?? answers[field];
  const changed = answerFields.filter(([field]) => textOf(field) !== answers[field]);
  const send = async (input: Partial<Record<AnswerName, string>>) => {
    const result = await save({ code, input: { language: code, ...input } });
    const split = byField(
      result.data?.keywordAnswersSet.userErrors ?? [],
      answerFields.map(([field]) => field),
    );
    setWrong(split.fields);
    if (!settled(result)) return;
    setEdits((before) => Object.fromEntries(Object.entries(before).filter(([field]) => !(field in input))));
    notifications.show({ message: t`Answers saved`, color: "green" });
  };
  return (
    <Card>
      <Title order={2} size="h4">{t`Answers`}</Title>
      <Text
        size="sm"
        c="dimmed"
        mb="sm"
      >{t`In the language of the word that was used, else the contact’s, else English. None is sent where Twilio has answered.`}</Text>
      <Stack>
        {answerFields.map(([field, label, hint]) => (
          <Textarea
            key={field}
            label={label}
            description={hint}
            autosize
            minRows={2}
            maxLength={1000}
            disabled={!admin}
            value={textOf(field)}
            onChange={(e) => {
              const value = e.currentTarget.value; // gone when the state is set
              setEdits((before) => ({ ...before, [field]: value }));
            }}
            error={wrong[field]}
          />
        ))}
        {admin && (
          <Group justify="flex-end">
            {answers.own.length > 0 && (
              <Button
                variant="default"
                onClick={() => send(Object.fromEntries(answers.own.map((field) => [field, ""])))}
              >{t`Use the built-in texts`}</Button>
            )}
            <Button
              loading={fetching}
              disabled={changed.length === 0}
              onClick={() => send(Object.fromEntries(changed.map(([field]) => [field, textOf(field)])))}
            >{t`Save`}</Button>
          </Group>
        )}
      </Stack>
    </Card>
  );
}
