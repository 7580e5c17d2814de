import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheExchange } from "@urql/exchange-graphcache";
import {
  buildSchema,
  type DocumentNode,
  type FieldNode,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isAbstractType,
  isObjectType,
  isScalarType,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { Client, type Exchange } from "urql";
import { expect, test, vi } from "vitest";
import { filter, map, pipe, subscribe } from "wonka";
import * as generated from "../gql/graphql";
import { keys, updates } from "./cache";

const folder = join(import.meta.dirname, "../../../graph/schema");
const schema = buildSchema(
  readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n"),
);
const documents = Object.entries(generated as Record<string, unknown>).filter(([name]) => name.endsWith("Document"));

/** What a document selects of a type, with its fragments. */
function selected(set: SelectionSetNode, of: GraphQLObjectType, document: DocumentNode): FieldNode[] {
  return set.selections.flatMap((s) => {
    if (s.kind === Kind.FIELD) return [s];
    const fragment =
      s.kind === Kind.INLINE_FRAGMENT
        ? s
        : document.definitions.find((d) => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === s.name.value);
    if (fragment?.kind !== Kind.INLINE_FRAGMENT && fragment?.kind !== Kind.FRAGMENT_DEFINITION) return [];
    const on = schema.getType(fragment.typeCondition?.name.value ?? of.name);
    const fits = on === of || (isAbstractType(on) && schema.isSubType(on, of));
    return fits ? selected(fragment.selectionSet, of, document) : [];
  });
}

/** Each object that a document selects; payload: what a mutation or a subscription answers with, which is not kept. */
function objects(document: DocumentNode) {
  const found: { type: GraphQLObjectType; fields: FieldNode[]; payload: boolean }[] = [];
  const walk = (fields: FieldNode[], of: GraphQLObjectType, root: boolean) => {
    for (const name of new Set(fields.map((f) => f.name.value))) {
      const type = of.getFields()[name]?.type;
      const named = type && getNamedType(type);
      const sets = fields.flatMap((f) => (f.name.value === name && f.selectionSet ? [f.selectionSet] : []));
      if (!named || sets.length === 0) continue;
      for (const one of isAbstractType(named) ? schema.getPossibleTypes(named) : [named]) {
        if (!isObjectType(one)) continue;
        const inner = sets.flatMap((s) => selected(s, one, document));
        if (inner.every((f) => f.name.value === "__typename")) continue;
        const payload = root && !one.getFields().id;
        found.push({ type: one, fields: inner, payload });
        walk(inner, one, payload);
      }
    }
  };
  for (const d of document.definitions) {
    const root = d.kind === Kind.OPERATION_DEFINITION && schema.getRootType(d.operation);
    if (d.kind === Kind.OPERATION_DEFINITION && root)
      walk(selected(d.selectionSet, root, document), root, d.operation !== "query");
  }
  return found;
}

/** Whether a type has an id that is its own; a choice's id is what the business called its button. */
function hasIdentity(type: GraphQLObjectType): boolean {
  const id = type.getFields().id?.type;
  const scalar = id && getNullableType(id);
  return id !== scalar && isScalarType(scalar) && scalar.name === "ID";
}

test("the cache knows every thing that a document selects by its id, or as a part of another", () => {
  expect(documents.length).toBeGreaterThan(100);
  const selectedTypes = new Set<string>();
  const unknown = new Set<string>();
  for (const [name, document] of documents) {
    for (const { type, fields, payload } of objects(document as DocumentNode)) {
      selectedTypes.add(type.name);
      const identified = hasIdentity(type) && fields.some((f) => f.name.value === "id" && !f.alias);
      if (!payload && !identified && !(type.name in keys)) unknown.add(`${type.name} in ${name}`);
    }
  }
  expect([...unknown]).toEqual([]);
  expect(Object.keys(keys).filter((k) => !selectedTypes.has(k))).toEqual([]);
});

test("a change reads anew what it made stale, and a refused one nothing", async () => {
  let refused = true;
  let read = 0;
  const server: Exchange = () => (operations) =>
    pipe(
      operations,
      filter((o) => o.kind !== "teardown"),
      map((operation) => {
        const userErrors = refused ? [{ __typename: "UserError", field: null, message: "no" }] : [];
        const change = { __typename: "RetentionSetPayload", userErrors };
        if (operation.kind === "query") read++;
        const data = operation.kind === "query" ? { retentionRules: [] } : { retentionSet: change };
        return { operation, data, stale: false, hasNext: false };
      }),
    );
  const exchanges = [cacheExchange({ keys, updates }), server];
  const client = new Client({ url: "/", preferGetMethod: false, exchanges });
  const { unsubscribe } = pipe(
    client.query(generated.RetentionRulesDocument, {}),
    subscribe(() => {}),
  );
  const change = () => client.mutation(generated.RetentionSetDocument, { input: { rules: [] } }).toPromise();
  await change();
  expect(read).toBe(1);
  refused = false;
  await change();
  await vi.waitFor(() => expect(read).toBe(2));
  unsubscribe();
});
