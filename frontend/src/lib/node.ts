/** What node(id) gave, if it is of the type that was asked for. */
export function real<T extends { __typename: string }, K extends T["__typename"]>(
  node: T | null | undefined,
  type: K,
): Extract<T, { __typename: K }> | undefined {
  return node?.__typename === type ? (node as Extract<T, { __typename: K }>) : undefined;
}
