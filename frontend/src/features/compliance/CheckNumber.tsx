import { t } from "@lingui/core/macro";
import { Alert, Autocomplete, Button, Card, Group, Select, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconCheck, IconX } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useQuery } from "urql";
import { nameOf } from "../../components/Person";
import { Questions } from "../../components/Questions";
import { graphql } from "../../gql";
import type { SendCheckQueryVariables, TemplateCategory } from "../../gql/graphql";
import { chosen, useAddress } from "../../lib/address";
import { errorText } from "../../lib/errors";
import { localInput, midSentence, moment, momentOf, noMoment, sentence, words } from "../../lib/format";

const SendCheckDocument = graphql(`
  query SendCheck($address: String, $category: TemplateCategory, $at: DateTime) {
    sendCheck(address: $address, category: $category, at: $at) {
      allowed
      at
      category
      address
      possibleAt
      contact {
        id
        name
        address
        displayAddress
      }
      questions {
        check
        passed
        detail
        rule
        until
      }
    }
  }
`);
const SuggestDocument = graphql(`
  query SendCheckContacts($search: String!) {
    contacts(search: $search, first: 6) {
      nodes {
        id
        name
        address
        displayAddress
      }
    }
  }
`);

const categories = ["MARKETING", "UTILITY", "AUTHENTICATION"] as const satisfies TemplateCategory[];

/** May I write to this number? Every question of the gate with its answer and its rule. */
export function CheckNumber() {
  const { search, change } = useAddress();
  const [who, setWho] = useState(search.q ?? "");
  const [typed] = useDebouncedValue(who.trim(), 250);
  const [category, setCategory] = useState<TemplateCategory>(chosen(categories, search.status) ?? "MARKETING");
  const [at, setAt] = useState(search.from && Date.parse(search.from) ? localInput(new Date(search.from)) : "");
  const [wrong, setWrong] = useState<{ who?: string; at?: string }>({});
  const [asked, setAsked] = useState<SendCheckQueryVariables | null>(
    search.q ? { address: search.q, category, ...(at ? { at: search.from } : {}) } : null,
  );
  const [{ data: found }] = useQuery({
    query: SuggestDocument,
    variables: { search: typed },
    pause: typed.length < 2,
  });
  const [{ data, error, fetching }, again] = useQuery({
    query: SendCheckDocument,
    variables: asked ?? {},
    pause: asked === null,
    requestPolicy: "network-only",
  });
  const names = new Map((typed.length < 2 ? [] : (found?.contacts.nodes ?? [])).map((c) => [c.address, c.name]));
  const ask = (e: FormEvent) => {
    e.preventDefault();
    const moment = at ? momentOf(at) : undefined;
    const problems = {
      who: who.trim() ? undefined : t`Give a number with its country code, or choose a contact`,
      at: at && !moment ? noMoment(at) : undefined,
    };
    setWrong(problems);
    if (problems.who || problems.at) return;
    const next = { address: who.trim(), category, ...(moment ? { at: moment } : {}) };
    if (JSON.stringify(next) === JSON.stringify(asked)) again({ requestPolicy: "network-only" });
    setAsked(next);
    change(
      { q: next.address, status: category === "MARKETING" ? undefined : category, from: moment },
      { replace: true },
    );
  };
  const check = asked && !error && !fetching ? data?.sendCheck : undefined;
  return (
    <Stack>
      <Card>
        <form onSubmit={ask}>
          <Stack>
            <SimpleGrid cols={{ base: 1, sm: 3 }}>
              <Autocomplete
                label={t`Number or contact`}
                placeholder={t`+49 151 12345678, or a name`}
                value={who}
                onChange={setWho}
                data={[...names.keys()]}
                renderOption={({ option: { value } }) => (names.get(value) ? `${names.get(value)} · ${value}` : value)}
                filter={({ options }) => options}
                error={wrong.who}
              />
              <Select
                label={t`Category of the template`}
                data={categories.map((c) => ({ value: c, label: words(c) }))}
                value={category}
                onChange={(v) => v && setCategory(v as TemplateCategory)}
                allowDeselect={false}
              />
              <TextInput
                label={t`When`}
                description={t`In this browser's time; empty: now`}
                inputWrapperOrder={["label", "input", "description", "error"]}
                type="datetime-local"
                value={at}
                onChange={(e) => setAt(e.currentTarget.value)}
                error={wrong.at}
              />
            </SimpleGrid>
            <Group>
              <Button type="submit" loading={asked !== null && fetching}>{t`Check`}</Button>
            </Group>
          </Stack>
        </form>
      </Card>
      {asked && error && (
        <Alert color="yellow" role="alert">
          {sentence(errorText(error))}
        </Alert>
      )}
      <section aria-label={t`Answer`}>
        <Stack>
          <div role="status">
            {check && (
              <Alert
                role="group"
                color={check.allowed ? "brand" : "red"}
                icon={check.allowed ? <IconCheck size={18} /> : <IconX size={18} />}
                title={
                  check.allowed
                    ? t`A ${midSentence(words(check.category))} template may go to ${check.address}.`
                    : t`No ${midSentence(words(check.category))} template may go to ${check.address}.`
                }
              >
                <Text size="sm">
                  {moment(check.at)}.{" "}
                  {check.allowed
                    ? t`Every question is answered with yes.`
                    : check.possibleAt
                      ? t`It becomes possible by itself: ${moment(check.possibleAt)}.`
                      : t`It stays so until somebody changes what is answered with No below.`}{" "}
                  {check.contact ? (
                    <Link to="/contacts/$id" params={{ id: check.contact.id }} className="plain">
                      {nameOf(check.contact)}
                    </Link>
                  ) : (
                    t`No contact has this address.`
                  )}
                </Text>
              </Alert>
            )}
          </div>
          {check && (
            <Card>
              <Stack>
                <Questions of={check.questions.map((q) => ({ ...q, until: q.until ? moment(q.until) : undefined }))} />
                <Text
                  size="xs"
                  c="dimmed"
                >{t`Asked as for a campaign without a topic, with the quiet hours and the cap that new campaigns get. A message's own page tells what was answered when it went.`}</Text>
              </Stack>
            </Card>
          )}
        </Stack>
      </section>
    </Stack>
  );
}
