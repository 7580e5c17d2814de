import { t } from "@lingui/core/macro";
import { Anchor, Card, Checkbox, Group, Table, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { nameOf, Person } from "../../components/Person";
import { Status, scrollable } from "../../components/ui";
import { When } from "../../components/When";
import type { ContactOrder, ContactsQuery } from "../../gql/graphql";
import { country, flag, languageName } from "../../lib/format";
import { useVirtualRows } from "../../lib/virtual";
import { AttributeValue } from "../attributes/AttributeValue";
import type { Attribute } from "../attributes/useAttributes";
import { attributeOf, type FixedColumn, fixedColumns, type Layout, valueAt } from "./columns";

type Row = ContactsQuery["contacts"]["nodes"][number];
export type Picked = ReadonlySet<string> | "all";

const cells: Record<FixedColumn, (c: Row) => ReactNode> = {
  number: (c) => c.displayAddress,
  consent: (c) => (
    <Group gap={6} justify="flex-end" style={{ display: "inline-flex" }}>
      <Status value={c.consentStatus} />
      {!c.reachable && <Status value="FAILED" label={t`Unreachable`} />}
    </Group>
  ),
  region: (c) => (c.region ? `${flag(c.region)} ${country(c.region)}` : "–"),
  timeZone: (c) => c.timeZone ?? t`unknown`,
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
    ids: rows.map((r) => r.id),
    list: props.list,
    height: compact ? 35 : 47,
    more: props.more,
    onMore: props.onMore,
  });
  const known = new Map(props.attributes.map((a) => [a.key, a]));
  const columns = layout.columns.map((id) => {
    const key = attributeOf(id);
    return { id, key, label: key ? (known.get(key)?.name ?? key) : fixedColumns[id as FixedColumn] };
  });
  const all = picked === "all";
  const n = all ? rows.length : picked.size;
  const pick = (id: string, on: boolean) => {
    const next = new Set(all ? rows.map((r) => r.id) : picked);
    if (on) next.add(id);
    else next.delete(id);
    props.onPick(next);
  };
  const width = columns.length + (props.picking ? 2 : 1);
  const space = (height: number) =>
    height > 0 && (
      <Table.Tr aria-hidden style={{ height, border: 0 }}>
        <Table.Td colSpan={width} p={0} />
      </Table.Tr>
    );
  return (
    <Card padding={0}>
      <div style={{ overflowX: "auto" }} {...scrollable(t`Table of contacts`)}>
        <Table
          className="cards"
          verticalSpacing={compact ? 3 : undefined}
          aria-rowcount={props.more ? -1 : rows.length + 1}
          style={{ whiteSpace: columns.length > 6 ? "nowrap" : undefined }}
        >
          <Table.Thead>
            <Table.Tr aria-rowindex={1}>
              {props.picking && (
                <Table.Th w={40}>
                  <Checkbox
                    size="xs"
                    aria-label={t`Select all shown`}
                    checked={all || n === rows.length}
                    indeterminate={!all && n > 0 && n < rows.length}
                    onChange={(e) => props.onPick(new Set(e.currentTarget.checked ? rows.map((r) => r.id) : []))}
                  />
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
                <Table.Tr key={key} data-index={index} ref={virtual.measure} aria-rowindex={index + 2}>
                  {props.picking && (
                    <Table.Td data-label={t`Select`}>
                      <Checkbox
                        size="xs"
                        aria-label={t`Select ${nameOf(c)}`}
                        checked={all || picked.has(c.id)}
                        onChange={(e) => pick(c.id, e.currentTarget.checked)}
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
                  {columns.map((col) => (
                    <Table.Td key={col.id} data-label={col.label}>
                      {col.key ? (
                        <AttributeValue
                          value={valueAt(c.attributes as Record<string, unknown>, col.key)}
                          type={known.get(col.key)?.type}
                        />
                      ) : (
                        cells[col.id as FixedColumn](c)
                      )}
                    </Table.Td>
                  ))}
                </Table.Tr>
              );
            })}
            {space(virtual.behind)}
          </Table.Tbody>
        </Table>
      </div>
    </Card>
  );
}
