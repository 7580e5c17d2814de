import { Select, type SelectProps } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useRef, useState } from "react";
import { type TypedDocumentNode, useQuery } from "urql";

type Thing = { id: string; name: string };
/** What a document for SearchSelect asks for: what fits a search, and what is chosen. */
export type Choices<T extends Thing> = { found: { nodes: readonly T[] }; chosen?: object | null };
type Variables = { search: string | null; chosen: string; known: boolean };

/** A choice among things of which there may be any number: the server looks for what is typed, and what is chosen is always shown. */
export function SearchSelect<T extends Thing>(
  props: Omit<SelectProps, "data" | "value" | "onChange" | "searchValue" | "onSearchChange" | "filter"> & {
    document: TypedDocumentNode<Choices<T>, Variables>;
    value: string | null;
    /** How it is shown among the others; its name by default. */
    shown?: (thing: T, among: readonly T[]) => string;
    onChange: (id: string | null) => void;
  },
) {
  const { document, value, shown = (thing: T) => thing.name, onChange, ...rest } = props;
  const [text, setText] = useState("");
  const last = useRef<Choices<T>>(undefined);
  const known = last.current ? thingsOf(last.current) : [];
  const named = known.find((thing) => thing.id === value);
  // The field shows what is chosen while nobody types: that is no search.
  const typed = named && text === shown(named, known) ? "" : text.trim();
  const [search] = useDebouncedValue(typed, 200);
  const [{ data, fetching }] = useQuery({
    query: document,
    variables: { search: search || null, chosen: value ?? "", known: Boolean(value) },
  });
  if (data && !fetching) last.current = data;
  const things = last.current ? thingsOf(last.current) : [];
  return (
    <Select
      searchable
      {...rest}
      data={things.map((thing) => ({ value: thing.id, label: shown(thing, things) }))}
      filter={({ options }) => options}
      value={value}
      searchValue={text}
      onSearchChange={setText}
      onChange={onChange}
    />
  );
}

/** What was found, and behind it what is chosen where it is not among that. */
function thingsOf<T extends Thing>({ found, chosen }: Choices<T>): T[] {
  const is = chosen && "name" in chosen ? (chosen as T) : null;
  return is && !found.nodes.some((thing) => thing.id === is.id) ? [...found.nodes, is] : [...found.nodes];
}
