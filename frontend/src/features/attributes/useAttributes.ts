import { useQuery } from "urql";
import { graphql } from "../../gql";
import type { AttributeKeysQuery } from "../../gql/graphql";

const AttributeKeysDocument = graphql(`
  query AttributeKeys {
    attributeKeys {
      key
      name
      type
      description
      revision
      types
      coverage
      samples
    }
  }
`);

export type Attribute = AttributeKeysQuery["attributeKeys"][number];

const none: readonly Attribute[] = [];

/** The attributes that contacts have, with what people call them; none until they have come. */
export function useAttributes(): readonly Attribute[] {
  const [{ data }] = useQuery({ query: AttributeKeysDocument });
  return data?.attributeKeys ?? none;
}

/** The same for a page about them, which says when they could not be read. */
export function useAttributesQuery() {
  const [{ data, error }, load] = useQuery({ query: AttributeKeysDocument, requestPolicy: "cache-and-network" });
  return { attributes: data?.attributeKeys, error, again: () => load({ requestPolicy: "network-only" }) };
}
