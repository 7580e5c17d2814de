import { plural, t } from "@lingui/core/macro";
import { ActionIcon, Anchor, Button, Group, Select, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import {
  IconAddressBook,
  IconBookmark,
  IconDots,
  IconFilter,
  IconHistory,
  IconPlus,
  IconSearch,
  IconTrash,
  IconUpload,
} from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { DropdownMenu } from "../../components/Dropdown";
import { Failed } from "../../components/Failed";
import { Empty, LinkButton, Page, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConsentStatus, ContactFilter, ContactOrder, ContactSelection } from "../../gql/graphql";
import { useAddress, useAddressText } from "../../lib/address";
import { useEndless } from "../../lib/endless";
import { settled } from "../../lib/errors";
import { contacts as contactsText, count } from "../../lib/format";
import { modals } from "../../lib/modals";
import { useShortcuts } from "../../lib/shortcuts";
import { useAttributes } from "../attributes/useAttributes";
import { type Group as Conditions, isGroup, type Node, sentence } from "../segments/query";
import { ColumnsMenu } from "./ColumnsMenu";
import { ContactsTable, type Picked } from "./ContactsTable";
import { useLayout } from "./columns";

// What is opened comes when it is opened: the list does not wait for it.
const QueryBuilder = lazy(async () => ({ default: (await import("../segments/QueryBuilder")).QueryBuilder }));
const BulkProgress = lazy(async () => ({ default: (await import("./BulkAction")).BulkProgress }));
const BulkBar = lazy(async () => ({ default: (await import("./BulkBar")).BulkBar }));
const ContactForm = lazy(async () => ({ default: (await import("./ContactForm")).ContactForm }));

const ContactsDocument = graphql(`
  query Contacts($search: String, $filter: ContactFilter, $orderBy: ContactOrder, $after: String) {
    contacts(search: $search, filter: $filter, orderBy: $orderBy, first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        name
        displayAddress
        region
        locale
        timeZone
        consentStatus
        reachable
        attributes
        createdAt
      }
    }
  }
`);

// Apart: the list does not wait for its number.
const ContactTotalDocument = graphql(`
  query ContactTotal($search: String, $filter: ContactFilter) {
    contacts(search: $search, filter: $filter, first: 1) {
      totalCount
    }
  }
`);

const ContactViewsDocument = graphql(`
  query ContactViews {
    contactViews {
      id
      name
      search
      orderBy
      filter {
        consentStatus
        query
      }
    }
  }
`);

const ViewSaveDocument = graphql(`
  mutation ContactViewSave($input: ContactViewSaveInput!) {
    contactViewSave(input: $input) {
      view {
        id
        name
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const ViewDeleteDocument = graphql(`
  mutation ContactViewDelete($input: ContactViewDeleteInput!) {
    contactViewDelete(input: $input) {
      deletedId
      userErrors {
        message
      }
    }
  }
`);

/** Where counting what a search finds ends. */
const mostCounted = 10_000;

/** The conditions in the address bar; nothing when they are not readable. */
function conditionsOf(text: string | undefined): Conditions {
  try {
    const n = JSON.parse(text ?? "") as Node;
    return isGroup(n) ? n : { all: [n] };
  } catch {
    return { all: [] };
  }
}

export function ContactsPage() {
  const { search, change } = useAddress();
  const navigate = useNavigate();
  const may = useMay("MARKETER");
  const [text, setText] = useAddressText("q");
  const [typed, setTyped] = useAddressText("f", 300);
  const [adding, add] = useDisclosure();
  const [form, setForm] = useState(false); // once opened it stays, with what was typed
  useEffect(() => setForm((f) => f || adding), [adding]);
  const [filtering, filters] = useDisclosure(Boolean(search.f));
  const [picked, setPicked] = useState<Picked>(new Set());
  const [running, setRunning] = useState<string[]>([]);
  const consent = (search.consent as ConsentStatus | undefined) ?? null;
  const orderBy = (search.sort as ContactOrder | undefined) ?? "NEWEST";
  const conditions = useMemo(() => conditionsOf(search.f), [search.f]);
  const filter = useMemo<ContactFilter>(
    () => ({
      ...(consent ? { consentStatus: consent } : {}),
      ...(search.f ? { query: conditions } : {}),
    }),
    [consent, search.f, conditions],
  );
  const found = { search: search.q ?? null, filter };
  const list = JSON.stringify({ ...found, orderBy });
  const contacts = useEndless(ContactsDocument, { ...found, orderBy }, (data) => data.contacts);
  const { rows, error } = contacts;
  const [layout, setLayout] = useLayout();
  const [{ data: totals }, recount] = useQuery({ query: ContactTotalDocument, variables: found });
  const keys = useAttributes();
  const [{ data: views }] = useQuery({ query: ContactViewsDocument });
  const [, saveView] = useMutation(ViewSaveDocument);
  const [, deleteView] = useMutation(ViewDeleteDocument);
  useEffect(() => setPicked(new Set()), [list]);
  const draft = useMemo(() => conditionsOf(typed), [typed]);
  useShortcuts(
    t`Contacts`,
    may
      ? [
          { keys: "n", label: t`Add a contact`, run: add.open },
          { keys: "i", label: t`Import a file`, run: () => void navigate({ to: "/contacts/import" }) },
        ]
      : [],
  );
  const order = (to: ContactOrder) => change({ sort: to === "NEWEST" ? undefined : to });
  const filtered = Boolean(search.q || consent || search.f);
  const total = totals?.contacts.totalCount;
  const many = Boolean(search.q) && total !== undefined && total > mostCounted;
  const all = picked === "all";
  const n = all ? (total ?? rows.length) : picked.size;
  const selection: ContactSelection = all
    ? { filter, search: search.q ?? null }
    : { ids: [...(picked as ReadonlySet<string>)].slice(0, 1000) };
  const ended = () => {
    contacts.again();
    recount({ requestPolicy: "network-only" });
  };
  const askName = () => {
    let name = "";
    modals.openConfirmModal({
      title: t`Save this view`,
      children: (
        <TextInput
          label={t`Name`}
          description={t`Shared with everybody; a view with the same name is replaced`}
          data-autofocus
          onChange={(e) => {
            name = e.currentTarget.value;
          }}
        />
      ),
      labels: { confirm: t`Save`, cancel: t`Cancel` },
      onConfirm: async () => settled(await saveView({ input: { name, search: search.q ?? "", filter, orderBy } })),
    });
  };
  return (
    <Page
      title={t`Contacts`}
      description={
        total === undefined
          ? " "
          : many
            ? t`more than ${count(mostCounted)} found`
            : filtered
              ? t`${count(total)} found`
              : contactsText(total)
      }
      actions={
        may && (
          <>
            <LinkButton
              to="/contacts/import"
              variant="default"
              leftSection={<IconUpload size={16} />}
            >{t`Import`}</LinkButton>
            <Button leftSection={<IconPlus size={16} />} onClick={add.open}>{t`Add contact`}</Button>
            <DropdownMenu
              position="bottom-end"
              target={
                <ActionIcon variant="default" size={36} aria-label={t`More`}>
                  <IconDots size={18} />
                </ActionIcon>
              }
            >
              {(Menu) => (
                <Menu.Item
                  leftSection={<IconHistory size={16} />}
                  onClick={() => navigate({ to: "/contacts/actions" })}
                >{t`Bulk action history`}</Menu.Item>
              )}
            </DropdownMenu>
          </>
        )
      }
    >
      <Suspense>{form && <ContactForm opened={adding} onClose={add.close} />}</Suspense>
      <Group>
        <TextInput
          aria-label={t`Search contacts`}
          placeholder={t`Search name, phone number or attribute`}
          leftSection={<IconSearch size={16} />}
          data-page-search
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          w={{ base: "100%", xs: 320 }}
        />
        <Select
          aria-label={t`Consent`}
          placeholder={t`Any consent`}
          clearable
          data={[
            { value: "OPTED_IN", label: t`Opted in` },
            { value: "UNKNOWN", label: t`Unknown` },
            { value: "OPTED_OUT", label: t`Opted out` },
          ]}
          value={consent}
          onChange={(v) => change({ consent: v ?? undefined })}
          flex={{ base: "1 1 140px", xs: "0 0 160px" }}
        />
        <Select
          aria-label={t`Order`}
          data={[
            { value: "NEWEST", label: t`Newest first` },
            { value: "OLDEST", label: t`Oldest first` },
            { value: "NAME", label: t`By name, from A` },
            { value: "NAME_DESC", label: t`By name, from Z` },
          ]}
          value={orderBy}
          onChange={(v) => order((v ?? "NEWEST") as ContactOrder)}
          allowDeselect={false}
          hiddenFrom="sm"
          flex={{ base: "1 1 140px", xs: "0 0 180px" }}
        />
        <Button
          variant={search.f ? "light" : "default"}
          leftSection={<IconFilter size={16} />}
          onClick={filters.toggle}
          aria-expanded={filtering}
        >{t`Filter`}</Button>
        <DropdownMenu
          position="bottom-start"
          shadow="md"
          target={<Button variant="default" leftSection={<IconBookmark size={16} />}>{t`Views`}</Button>}
        >
          {(Menu) => (
            <>
              <Menu.Item onClick={() => navigate({ to: "/contacts", search: {} })}>{t`All contacts`}</Menu.Item>
              {views?.contactViews.map((v) => (
                <Menu.Item
                  key={v.id}
                  onClick={() =>
                    navigate({
                      to: "/contacts",
                      search: {
                        q: v.search || undefined,
                        consent: v.filter.consentStatus ?? undefined,
                        f: v.filter.query ? JSON.stringify(v.filter.query) : undefined,
                        sort: v.orderBy === "NEWEST" ? undefined : v.orderBy,
                      },
                    })
                  }
                >
                  {v.name}
                </Menu.Item>
              ))}
              {may && filtered && (
                <>
                  <Menu.Divider />
                  <Menu.Item leftSection={<IconPlus size={14} />} onClick={askName}>{t`Save this view`}</Menu.Item>
                </>
              )}
              {may && Boolean(views?.contactViews.length) && (
                <>
                  <Menu.Divider />
                  <Menu.Label>{t`Delete`}</Menu.Label>
                  {views?.contactViews.map((v) => (
                    <Menu.Item
                      key={v.id}
                      leftSection={<IconTrash size={14} />}
                      onClick={async () => settled(await deleteView({ input: { id: v.id } }))}
                    >
                      {v.name}
                    </Menu.Item>
                  ))}
                </>
              )}
            </>
          )}
        </DropdownMenu>
        <ColumnsMenu layout={layout} attributes={keys} onChange={setLayout} />
      </Group>
      {filtering && (
        <Suspense fallback={<Rows n={2} />}>
          <QueryBuilder
            value={draft}
            keys={keys}
            onChange={(g) => setTyped("all" in g && g.all.length === 0 ? "" : JSON.stringify(g))}
          />
        </Suspense>
      )}
      {search.f && (
        <Text size="sm" c="dimmed">
          {sentence(conditions, keys)}
        </Text>
      )}
      {running.map((id) => (
        <Suspense key={id}>
          <BulkProgress
            id={id}
            onClose={() => {
              setRunning((r) => r.filter((x) => x !== id));
              ended();
            }}
          />
        </Suspense>
      ))}
      {may && n > 0 && (
        <Suspense>
          <BulkBar
            contacts={selection}
            n={n}
            tags={keys.find((k) => k.key === "tags")?.samples ?? []}
            onClear={() => setPicked(new Set())}
            onStarted={(id) => {
              setRunning((r) => [id, ...r]);
              setPicked(new Set());
            }}
          />
        </Suspense>
      )}
      {may && !all && picked.size > 0 && picked.size === rows.length && contacts.more && (
        <Anchor component="button" size="sm" onClick={() => setPicked("all")}>
          {many
            ? t`Select all contacts found`
            : plural(total ?? 0, { one: "Select the # contact", other: "Select all # contacts" })}
        </Anchor>
      )}
      {error && !contacts.known ? (
        <Failed error={error} retry={contacts.retry} />
      ) : !contacts.known ? (
        <Rows />
      ) : rows.length === 0 ? (
        filtered ? (
          <Empty
            icon={<IconSearch />}
            title={t`Nobody found`}
          >{t`No contact matches. Try part of a name, or other digits of the number.`}</Empty>
        ) : (
          <Empty
            icon={<IconAddressBook />}
            title={t`No contacts yet`}
            action={<LinkButton to="/contacts/import">{t`Import a file`}</LinkButton>}
          >{t`Import them from a CSV or JSON file, or add one by hand. Contacts who have not agreed get no campaigns.`}</Empty>
        )
      ) : (
        <ContactsTable
          list={list}
          rows={rows}
          layout={layout}
          attributes={keys}
          order={orderBy}
          onOrder={order}
          more={contacts.more}
          onMore={contacts.next}
          picking={may}
          picked={picked}
          onPick={setPicked}
        />
      )}
      {contacts.fetching && rows.length > 0 && <Rows n={2} />}
      {error && contacts.known && <Failed error={error} retry={contacts.retry} />}
    </Page>
  );
}
