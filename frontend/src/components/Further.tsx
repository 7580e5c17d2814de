import { Table } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { CombinedError } from "urql";
import { Failed } from "./Failed";
import { LoadMore, Rows } from "./ui";

const Wide = (props: { columns: number; children: ReactNode }) => (
  <Table.Tbody>
    <Table.Tr>
      <Table.Td colSpan={props.columns}>{props.children}</Table.Td>
    </Table.Tr>
  </Table.Tbody>
);

/** A page of a table that is still on its way, or did not come. */
export function Awaited(props: { columns: number; error?: CombinedError; retry: () => void }) {
  return (
    <Wide columns={props.columns}>{props.error ? <Failed error={props.error} retry={props.retry} /> : <Rows />}</Wide>
  );
}

/**
 * What comes behind the rows of a page of a table: nothing where it is the last, else a button, and once that was
 * pressed the next page. Each page asks for itself, so that those before it stay as live as they were.
 */
export function Further(props: {
  page: { hasNextPage: boolean; endCursor?: string | null };
  columns: number;
  next: (after: string) => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const { hasNextPage, endCursor } = props.page;
  if (!hasNextPage || !endCursor) return null;
  if (open) return props.next(endCursor);
  return (
    <Wide columns={props.columns}>
      <LoadMore more loading={false} onMore={() => setOpen(true)} />
    </Wide>
  );
}
