type Real<T> = Exclude<T, Record<PropertyKey, never> | null | undefined>;

/** What node(id) gave, if it is of the type that was asked for. */
export function real<T>(node: T): Real<T> | undefined {
  return node && typeof node === "object" && "id" in node ? (node as Real<T>) : undefined;
}
