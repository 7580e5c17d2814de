import { t } from "@lingui/core/macro";
import "@mantine/spotlight/styles.css";

import { Loader } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData, spotlight } from "@mantine/spotlight";
import { IconAddressBook, IconFilter, IconMessage2, IconSearch, IconSend } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../gql";
import type { SearchQuery } from "../gql/graphql";
import { contacts, words } from "../lib/format";

const SearchDocument = graphql(`
  query Search($text: String!) {
    search(text: $text, first: 20) {
      node {
        __typename
        id
      }
      title
      detail
    }
  }
`);

type Found = SearchQuery["search"][number];
type Kind = "Contact" | "Campaign" | "Segment" | "Template";
const kinds: Record<
  Kind,
  { group: string; to: string; icon: ReactNode; detail: (found: string, title: string) => string }
> = {
  Contact: {
    group: t`Contacts`,
    to: "/contacts/$id",
    icon: <IconAddressBook size={18} />,
    detail: (address, title) => (address.replaceAll(" ", "") === title ? "" : address),
  },
  Campaign: { group: t`Campaigns`, to: "/campaigns/$id", icon: <IconSend size={18} />, detail: words },
  Segment: {
    group: t`Segments`,
    to: "/segments/$id",
    icon: <IconFilter size={18} />,
    detail: (n) => (n ? contacts(Number(n)) : ""),
  },
  Template: {
    group: t`Templates`,
    to: "/templates/$id",
    icon: <IconMessage2 size={18} />,
    detail: (language) => language,
  },
};

/** Pages and actions by what they are called; everything the workspace holds, by the server. */
export function Palette({ opened, actions }: { opened: number; actions: SpotlightActionGroupData[] }) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [asked] = useDebouncedValue(text.trim(), 150);
  const [{ data, fetching, error }] = useQuery({
    query: SearchDocument,
    variables: { text: asked },
    pause: asked.length < 2,
  });
  useEffect(() => {
    if (opened > 0) spotlight.open();
  }, [opened]);
  const typed = text.trim().toLowerCase();
  const current = typed.length >= 2 && typed === asked.toLowerCase();
  const found = current ? (data?.search ?? []) : [];
  const action = (f: Found, kind: (typeof kinds)[Kind]): SpotlightActionData => ({
    id: f.node.id,
    label: f.title,
    description: kind.detail(f.detail, f.title),
    leftSection: kind.icon,
    onClick: () => void navigate({ to: kind.to, params: { id: f.node.id } }),
  });
  const groups: SpotlightActionGroupData[] = [
    ...actions
      .map((g) => ({ ...g, actions: g.actions.filter((a) => a.label?.toLowerCase().includes(typed)) }))
      .filter((g) => g.actions.length > 0),
    ...(Object.keys(kinds) as Kind[])
      .map((name) => ({
        group: kinds[name].group,
        actions: found.filter((f) => f.node.__typename === name).map((f) => action(f, kinds[name])),
      }))
      .filter((g) => g.actions.length > 0),
  ];
  const total = groups.reduce((n, g) => n + g.actions.length, 0);
  return (
    <Spotlight
      shortcut={null}
      query={text}
      onQueryChange={setText}
      filter={(_, all) => all} // the server has chosen, and what is here was chosen above
      actions={groups}
      scrollable
      maxHeight={420}
      attributes={{ content: { "aria-label": t`Search and go to` } }}
      limit={total}
      searchProps={{
        placeholder: t`Search contacts, campaigns, segments, templates, pages…`,
        "aria-label": t`Search and go to`,
        leftSection: fetching || (typed.length >= 2 && !current) ? <Loader size={16} /> : <IconSearch size={18} />,
      }}
      nothingFound={
        error
          ? t`The search failed. Try again.`
          : typed.length >= 2 && (fetching || !current)
            ? t`Searching…`
            : t`Nothing found for “${text.trim()}”`
      }
    />
  );
}
