import { t } from "@lingui/core/macro";
import { Anchor, Box, Card, Checkbox, Group, Table, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type ChangeEvent, memo, type ReactNode, useCallback, useMemo, useRef } from "react";
import { nameOf, Person } from "../../components/Person";
import { Status, scrollable } from "../../components/ui";
import { When } from "../../components/When";
import type { ContactOrder, ContactsQuery } from "../../gql/graphql";
import { useKeptColumns } from "../../lib/columns";
import { country, flag, languageName, zoneText } from "../../lib/format";
import { useVirtualRows } from "../../lib/virtual";
import { AttributeValue } from "../attributes/AttributeValue";
import type { Attribute } from "../attributes/useAttributes";
import { attributeOf, type FixedColumn, fixedColumns, type Layout, valueAt } from "./columns";

type Row = ContactsQuery["contacts"]["nodes"][number];
export type Picked = ReadonlySet<string> | "all";

const cells: Record<FixedColumn, (c: Row) => ReactNode> = {
  number: (c) => <span style={{ whiteSpace: "nowrap" }}>{c.displayAddress}</span>,
  consent: (c) => (
    <Group gap={6} justify="flex-end" style={{ display: "inline-flex" }}>
      <Status value={c.consentStatus} />
      {!c.reachable && <Status value="FAILED" label={t`Unreachable`} />}
    </Group>
  ),
  region: (c) => (c.region ? `${flag(c.region)}\u00a0${country(c.region)}` : "–"), // no flag stands alone
  timeZone: (c) => (c.timeZone ? zoneText(c.timeZone) : c.region ? t`Several zones` : "–"),
  locale: (c) => languageName(c.locale) || "–",
  createdAt: (c) => <When at={c.createdAt} />,
};

/** What a column sorts by: first when it is chosen, then when it is chosen again. */
const orders: Record<string, [ContactOrder, ContactOrder]> = {
  name: ["NAME", "NAME_DESC"],
  createdAt: ["NEWEST", "OLDEST"],
};
const rising: readonly ContactOrder[] = ["NAME", "OLDEST"];

function Head(props: { column: string; label: string; order: ContactOrder; onOrder: (to: ContactOrder) => void }) {
  const by = orders[props.column];
  if (!by) return <Table.Th>{props.label}</Table.Th>;
  const sorted = by.includes(props.order);
  const up = rising.includes(props.order);
  const Icon = up ? IconArrowUp : IconArrowDown;
  return (
    <Table.Th aria-sort={sorted ? (up ? "ascending" : "descending") : "none"}>
      <UnstyledButton
        fz="inherit"
        fw="inherit"
        onClick={() => props.onOrder(props.order === by[0] ? by[1] : by[0])}
        style={{ display: "inline-flex", alignItems: "center", gap: 4 }}
      >
        {props.label}
        {sorted && <Icon size={14} aria-hidden />}
      </UnstyledButton>
    </Table.Th>
  );
}

/** On a phone a contact is a few lines: what is seldom looked for is on its page. */
const wideOnly = ["timeZone", "locale", "createdAt"];

type Column = { id: string; key: string | null | undefined; label: string; type: Attribute["type"] | undefined };

/** One contact. Made again only when it has changed: a step of scrolling makes those that come, and no other. */
const ContactRow = memo(function ContactRow(props: {
  index: number;
  contact: Row;
  columns: readonly Column[];
  measure: (row: HTMLElement | null) => void;
  /** Undefined: without the boxes that pick contacts. */
  picked: boolean | undefined;
  onPick: (id: string, on: boolean) => void;
}) {
  const { contact: c, picked } = props;
  return (
    <Table.Tr data-index={props.index} ref={props.measure} aria-rowindex={props.index + 2}>
      {picked !== undefined && (
        <Table.Td data-label={t`Select`}>
          <Checkbox
            size="xs"
            aria-label={t`Select ${nameOf(c)}`}
            checked={picked}
            onChange={(e) => props.onPick(c.id, e.currentTarget.checked)}
          />
        </Table.Td>
      )}
      <Table.Td data-label={t`Name`}>
        <Person name={c.name}>
          <Anchor component={Link} to={`/contacts/${c.id}`} className="plain" lineClamp={1}>
            {nameOf(c)}
          </Anchor>
        </Person>
      </Table.Td>
      {props.columns.map((col) => (
        <Table.Td key={col.id} data-label={col.label} data-wide={wideOnly.includes(col.id) || undefined}>
          {col.key ? (
            <AttributeValue value={valueAt(c.attributes as Record<string, unknown>, col.key)} type={col.type} />
          ) : (
            cells[col.id as FixedColumn](c)
          )}
        </Table.Td>
      ))}
    </Table.Tr>
  );
});

/** Contacts in columns that each operator chooses. Only the rows near the window are there. */
export function ContactsTable(props: {
  list: string;
  rows: readonly Row[];
  layout: Layout;
  attributes: readonly Attribute[];
  order: ContactOrder;
  onOrder: (to: ContactOrder) => void;
  more: boolean;
  onMore: () => void;
  /** With the boxes that pick contacts. */
  picking: boolean;
  picked: Picked;
  onPick: (to: Picked) => void;
}) {
  const { rows, layout, picked } = props;
  const compact = layout.density === "compact";
  const virtual = useVirtualRows({
    ids: useMemo(() => rows.map((r) => r.id), [rows]),
    list: props.list,
    height: compact ? 35 : 47,
    more: props.more,
    onMore: props.onMore,
  });
  const columns = useMemo(() => {
    const known = new Map(props.attributes.map((a) => [a.key, a]));
    return layout.columns.map((id): Column => {
      const key = attributeOf(id);
      const attribute = key ? known.get(key) : undefined;
      const label = key ? (attribute?.name ?? key) : fixedColumns[id as FixedColumn];
      return { id, key, label, type: attribute?.type };
    });
  }, [layout.columns, props.attributes]);
  const all = picked === "all";
  const n = all ? rows.length : picked.size;
  const pick = (id: string, on: boolean) => {
    const next = new Set(all ? rows.map((r) => r.id) : picked);
    if (on) next.add(id);
    else next.delete(id);
    props.onPick(next);
  };
  const newest = useRef(pick);
  newest.current = pick;
  const onPick = useCallback((id: string, on: boolean) => newest.current(id, on), []);
  const everyone = {
    checked: all || n === rows.length,
    indeterminate: !all && n > 0 && n < rows.length,
    onChange: (e: ChangeEvent<HTMLInputElement>) =>
      props.onPick(new Set(e.currentTarget.checked ? rows.map((r) => r.id) : [])),
  };
  const width = columns.length + (props.picking ? 2 : 1);
  const kept = useKeptColumns(`${props.picking} ${layout.density} ${layout.columns.join()}`, virtual.items.length > 0);
  const space = (height: number) =>
    height > 0 && (
      <Table.Tr aria-hidden style={{ height, border: 0 }}>
        <Table.Td colSpan={width} p={0} />
      </Table.Tr>
    );
  return (
    <Card padding={0}>
      {props.picking && (
        <Box hiddenFrom="sm" px={12} pt={10}>
          <Checkbox size="xs" label={t`Select all shown`} {...everyone} />
        </Box>
      )}
      <div style={{ overflowX: "auto" }} {...scrollable(t`Table of contacts`)}>
        <Table
          className="cards"
          verticalSpacing={compact ? 3 : undefined}
          aria-rowcount={props.more ? -1 : rows.length + 1}
          style={{ whiteSpace: columns.length > 6 ? "nowrap" : undefined, ...kept.style }}
        >
          {kept.widths && (
            <colgroup>
              {kept.widths.map((w, i) => (
                <col key={i} style={{ width: w }} />
              ))}
            </colgroup>
          )}
          <Table.Thead>
            <Table.Tr aria-rowindex={1} ref={kept.head}>
              {props.picking && (
                <Table.Th w={40}>
                  <Checkbox size="xs" aria-label={t`Select all shown`} {...everyone} />
                </Table.Th>
              )}
              <Head column="name" label={t`Name`} order={props.order} onOrder={props.onOrder} />
              {columns.map((c) => (
                <Head key={c.id} column={c.id} label={c.label} order={props.order} onOrder={props.onOrder} />
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody ref={virtual.body}>
            {space(virtual.before)}
            {virtual.items.map(({ index, key }) => {
              const c = rows[index];
              if (!c) return null;
              return (
                <ContactRow
                  key={key}
                  index={index}
                  contact={c}
                  columns={columns}
                  measure={virtual.measure}
                  picked={props.picking ? all || picked.has(c.id) : undefined}
                  onPick={onPick}
                />
              );
            })}
            {space(virtual.behind)}
          </Table.Tbody>
        </Table>
      </div>
    </Card>
  );
}
