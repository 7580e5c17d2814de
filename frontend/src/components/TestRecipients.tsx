import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Alert, Anchor, Button, Checkbox, Group, Stack, Text, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useClient, useQuery } from "urql";
import { graphql } from "../gql";
import { errorText } from "../lib/errors";
import { notifications } from "../lib/notifications";
import { nameOf, numberOf } from "./Person";

/** The team's own contacts, in the order in which they were added. */
export const TeamContactsDocument = graphql(`
  query TeamContacts {
    teamContacts {
      contact {
        id
        name
        displayAddress
        consentStatus
      }
    }
  }
`);
const WhoDocument = graphql(`
  query TestSendContact($address: String!) {
    contact(address: $address) {
      id
      name
      displayAddress
    }
  }
`);

type Recipient = { id: string; name: string; displayAddress: string };

/** To whom a test goes: the team's numbers, or any contact's. */
export function TestRecipients(props: {
  /** The number that is proposed where there are no team numbers. */
  address?: string;
  /** Gives what went wrong for one of them; empty: nothing. */
  send: (contactId: string) => Promise<string>;
  onDone: () => void;
}) {
  const client = useClient();
  const [{ data, error }] = useQuery({ query: TeamContactsDocument, requestPolicy: "cache-and-network" });
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [typed, setTyped] = useState<string | null>(null);
  const [done, setDone] = useState<readonly Recipient[]>([]);
  const [problems, setProblems] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  const team = data?.teamContacts.map((m) => m.contact) ?? [];
  // Nobody outside the team is proposed beside it: a click meant for colleagues would write to a customer.
  const address = typed ?? (data && team.length === 0 ? (props.address ?? "") : "");
  const chosen = team.filter((c) => c.consentStatus === "OPTED_IN" && !left.has(c.id));
  const go = async () => {
    const failed: string[] = [];
    let reached: readonly Recipient[] = chosen;
    if (address.trim()) {
      const found = await client.query(WhoDocument, { address }).toPromise();
      if (found.error) return setProblems([errorText(found.error)]);
      const contact = found.data?.contact;
      if (!contact) return setProblems([t`There is no contact ${address}: add them first.`]);
      if (![...reached, ...done].some((c) => c.id === contact.id)) reached = [...reached, contact];
    }
    const sent: Recipient[] = [];
    for (const c of reached) {
      const problem = await props.send(c.id);
      if (problem) failed.push(t`${nameOf(c)}: ${problem}`);
      else sent.push(c);
    }
    if (sent.length)
      notifications.show({
        message: plural(sent.length, {
          one: "# test message is on its way",
          other: "# test messages are on their way",
        }),
        color: "green",
      });
    if (failed.length === 0) return props.onDone();
    setProblems(failed);
    setDone([...done, ...sent]); // who has it is not sent it again with the next try
    setLeft(new Set([...left, ...sent.map((c) => c.id)]));
  };
  const n = chosen.length + (address.trim() ? 1 : 0);
  return (
    <Stack>
      {(problems.length > 0 || error) && (
        <Alert color="red" role="alert">
          {problems.length > 0 ? problems.map((p) => <div key={p}>{p}</div>) : error && errorText(error)}
        </Alert>
      )}
      {team.length > 0 ? (
        <Checkbox.Group
          label={t`Team numbers`}
          value={chosen.map((c) => c.id)}
          onChange={(ids) => setLeft(new Set(team.filter((c) => !ids.includes(c.id)).map((c) => c.id)))}
        >
          <Stack gap="xs" mt="xs">
            {team.map((c) => (
              <Checkbox
                key={c.id}
                value={c.id}
                label={nameOf(c)}
                description={c.consentStatus === "OPTED_IN" ? numberOf(c) : t`Has not opted in`}
                disabled={c.consentStatus !== "OPTED_IN"}
              />
            ))}
          </Stack>
        </Checkbox.Group>
      ) : (
        data && (
          <Text size="sm" c="dimmed">
            <Trans>
              Add your colleagues' numbers in{" "}
              <Anchor component={Link} to="/settings/team" inherit underline="always">{t`Settings, Team`}</Anchor> and
              send tests to all of them at once.
            </Trans>
          </Text>
        )
      )}
      <TextInput
        label={team.length > 0 ? t`Another number` : t`Number`}
        description={t`Of a contact who opted in`}
        placeholder="+49 151 12345678"
        value={address}
        onChange={(e) => setTyped(e.currentTarget.value)}
        data-autofocus
      />
      <Group justify="flex-end">
        <Button
          onClick={async () => {
            setBusy(true);
            setProblems([]);
            await go();
            setBusy(false);
          }}
          loading={busy}
          disabled={n === 0}
        >
          {n > 1 ? t`Send to ${n}` : t`Send`}
        </Button>
      </Group>
    </Stack>
  );
}
