import { plural, t } from "@lingui/core/macro";
import { Button, Card, Group, Stack, Table, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { nameOf, numberOf } from "../../components/Person";
import { SearchSelect } from "../../components/SearchSelect";
import { TeamContactsDocument } from "../../components/TestRecipients";
import { Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { ContactChoicesDocument } from "../contacts/choices";

const AddDocument = graphql(`
  mutation TeamContactAdd($input: TeamContactAddInput!) {
    teamContactAdd(input: $input) {
      teamContact {
        addedAt
      }
      userErrors {
        message
      }
    }
  }
`);
const RemoveDocument = graphql(`
  mutation TeamContactRemove($input: TeamContactRemoveInput!) {
    teamContactRemove(input: $input) {
      removedContactId
      userErrors {
        message
      }
    }
  }
`);

/** The team's own numbers, to which tests and copies of campaigns go. */
export function TeamNumbers() {
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useQuery({ query: TeamContactsDocument, requestPolicy: "cache-and-network" });
  const [chosen, setChosen] = useState<string | null>(null);
  const [adding, add] = useMutation(AddDocument);
  const [removing, remove] = useMutation(RemoveDocument);
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={3} />;
  const team = data.teamContacts.map((m) => m.contact);
  const silent = team.filter((c) => c.consentStatus !== "OPTED_IN").length;
  return (
    <Card>
      <Title order={2} size="h4">{t`Team numbers`}</Title>
      <Text size="sm" c="dimmed" mb="sm">
        {t`Tests of templates and campaigns go to them, and a campaign can send each of them a copy as it starts. Up to 20 contacts; each must have opted in.`}
      </Text>
      {team.length > 0 && (
        <Table>
          <Table.Tbody>
            {team.map((c) => (
              <Table.Tr key={c.id}>
                <Table.Td>
                  <Group gap="xs">
                    <Link to="/contacts/$id" params={{ id: c.id }} className="plain">
                      {nameOf(c)}
                    </Link>
                    {c.consentStatus !== "OPTED_IN" && <Status value={c.consentStatus} />}
                  </Group>
                  <Text size="xs" c="dimmed">
                    {numberOf(c)}
                  </Text>
                </Table.Td>
                <Table.Td ta="right">
                  {may && (
                    <Button
                      variant="subtle"
                      size="compact-sm"
                      aria-label={t`Remove ${nameOf(c)} from the team numbers`}
                      disabled={removing.fetching}
                      onClick={async () => settled(await remove({ input: { contactId: c.id } }))}
                    >{t`Remove`}</Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Stack gap="sm" mt="sm">
        {silent > 0 && (
          <Text size="sm">
            {plural(silent, {
              one: "# of them has not opted in and gets nothing.",
              other: "# of them have not opted in and get nothing.",
            })}
          </Text>
        )}
        {may && (
          <Group align="end">
            <SearchSelect
              label={t`Contact to add`}
              placeholder={t`Name or number`}
              document={ContactChoicesDocument}
              shown={(c) => [nameOf(c), numberOf(c)].filter(Boolean).join(" · ")}
              nothingFoundMessage={t`No contact`}
              clearable
              value={chosen}
              onChange={setChosen}
              flex={1}
              maw={420}
            />
            <Button
              variant="default"
              loading={adding.fetching}
              disabled={!chosen}
              onClick={async () => {
                if (chosen && settled(await add({ input: { contactId: chosen } }))) setChosen(null);
              }}
            >{t`Add`}</Button>
          </Group>
        )}
      </Stack>
    </Card>
  );
}
