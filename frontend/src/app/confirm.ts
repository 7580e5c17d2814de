import { makeOperation } from "urql";
import { askExchange } from "./ask";

/**
 * Acts that cannot be undone ask who somebody is when the sign-in is an hour old. The answer to that comes here: the
 * person confirms, and what they wanted is done; a form or a button need not know.
 */
export const confirmExchange = askExchange((result, client) => {
  const { operation } = result;
  const asks = result.error?.graphQLErrors.some((e) => e.extensions.code === "CONFIRM");
  if (!asks || operation.context.confirmed) return undefined;
  return async () => {
    const { askWho } = await import("./ConfirmDialog");
    if (!(await askWho(client))) return result;
    return makeOperation(operation.kind, operation, { ...operation.context, confirmed: true });
  };
});
