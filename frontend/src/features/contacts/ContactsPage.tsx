import { Anchor, Button, Card, Group, Select, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback, useDisclosure } from "@mantine/hooks";
import { IconAddressBook, IconPlus, IconSearch, IconUpload } from "@tabler/icons-react";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Empty, Failed, LinkButton, LoadMore, Page, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConsentStatus, ContactsQuery } from "../../gql/graphql";
import { count, moment } from "../../lib/format";
import { ContactForm } from "./ContactForm";

const ContactsDocument = graphql(`
  query Contacts($search: String, $filter: ContactFilter, $after: String) {
    contacts(search: $search, filter: $filter, first: 50, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        name
        address
        region
        timeZone
        consentStatus
        reachable
        attributes
        createdAt
      }
    }
  }
`);

type Row = ContactsQuery["contacts"]["nodes"][number];

export function ContactsPage() {
  const search = useSearch({ from: "__root__" });
  const navigate = useNavigate();
  const may = useMay("MARKETER");
  const [text, setText] = useState(search.q ?? "");
  const [adding, add] = useDisclosure();
  const [pages, setPages] = useState<{ after: string | null; rows: Row[] }>({ after: null, rows: [] });
  const consent = (search.consent as ConsentStatus | undefined) ?? null;
  const [{ data, error, fetching }, load] = useQuery({
    query: ContactsDocument,
    variables: { search: search.q ?? null, filter: consent ? { consentStatus: consent } : null, after: pages.after },
  });
  useEffect(() => setPages({ after: null, rows: [] }), [search.q, consent]);
  const ask = useDebouncedCallback(
    (q: string) => navigate({ to: "/contacts", search: { ...search, q: q || undefined } }),
    250,
  );
  const rows = [...pages.rows, ...(data?.contacts.nodes ?? [])];
  const filtered = Boolean(search.q || consent);
  return (
    <Page
      title="Contacts"
      description={data ? `${count(data.contacts.totalCount)} ${filtered ? "found" : "in all"}` : undefined}
      actions={
        may && (
          <>
            <LinkButton to="/contacts/import" variant="default" leftSection={<IconUpload size={16} />}>
              Import
            </LinkButton>
            <Button leftSection={<IconPlus size={16} />} onClick={add.open}>
              Add contact
            </Button>
          </>
        )
      }
    >
      <ContactForm opened={adding} onClose={add.close} />
      <Group>
        <TextInput
          aria-label="Search contacts"
          placeholder="Name, or a number in any spelling"
          leftSection={<IconSearch size={16} />}
          value={text}
          onChange={(e) => {
            setText(e.currentTarget.value);
            ask(e.currentTarget.value);
          }}
          w={{ base: "100%", xs: 320 }}
        />
        <Select
          aria-label="Consent"
          placeholder="Any consent"
          clearable
          data={[
            { value: "OPTED_IN", label: "Opted in" },
            { value: "UNKNOWN", label: "Unknown" },
            { value: "OPTED_OUT", label: "Opted out" },
          ]}
          value={consent}
          onChange={(v) => navigate({ to: "/contacts", search: { ...search, consent: v ?? undefined } })}
        />
      </Group>
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data && rows.length === 0 ? (
        <Rows />
      ) : rows.length === 0 ? (
        filtered ? (
          <Empty icon={<IconSearch />} title="Nobody found">
            No contact matches. Try part of a name, or other digits of the number.
          </Empty>
        ) : (
          <Empty
            icon={<IconAddressBook />}
            title="No contacts yet"
            action={<LinkButton to="/contacts/import">Import a file</LinkButton>}
          >
            Bring them in from a CSV or JSON file, or add one by hand. Who has not agreed gets no campaign.
          </Empty>
        )
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Number</Table.Th>
                <Table.Th>Consent</Table.Th>
                <Table.Th>Country</Table.Th>
                <Table.Th>Time zone</Table.Th>
                <Table.Th>Added</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((c) => (
                <Table.Tr key={c.id}>
                  <Table.Td data-label="Name">
                    <Anchor component={Link} to={`/contacts/${c.id}`} className="plain">
                      {c.name || "No name"}
                    </Anchor>
                  </Table.Td>
                  <Table.Td data-label="Number">{c.address}</Table.Td>
                  <Table.Td data-label="Consent">
                    <Group gap={6} justify="flex-end" style={{ display: "inline-flex" }}>
                      <Status value={c.consentStatus} />
                      {!c.reachable && <Status value="FAILED" label="Unreachable" />}
                    </Group>
                  </Table.Td>
                  <Table.Td data-label="Country">{c.region || "–"}</Table.Td>
                  <Table.Td data-label="Time zone">{c.timeZone ?? "unknown"}</Table.Td>
                  <Table.Td data-label="Added">
                    <Text size="sm">{moment(c.createdAt)}</Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Card>
      )}
      <LoadMore
        more={data?.contacts.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => setPages({ after: data?.contacts.pageInfo.endCursor ?? null, rows })}
      />
    </Page>
  );
}
