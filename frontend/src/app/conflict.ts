import { makeOperation, type OperationResult } from "urql";
import { outdatedIn } from "../lib/errors";
import { discardOf } from "../lib/kept";
import { askExchange } from "./ask";

/**
 * A save says which revision of a thing it was made on. When somebody has changed the thing since, the answer comes
 * here: the person decides whether theirs goes over it; a form need not know. One that saves by itself finds what was
 * decided among the extensions. With tellConflict in its context a mutation gets the answer as it is: what somebody agrees
 * to has no older state that could win.
 */
export const conflictExchange = askExchange((result) => {
  const { operation } = result;
  const outdated = operation.kind === "mutation" && !operation.context.tellConflict && outdatedIn(result);
  if (!outdated) return undefined;
  return async () => {
    const { askWhatWins } = await import("./ConflictDialog");
    const choice = await askWhatWins(outdated.message);
    const { expectedVersion: _, ...input } = operation.variables?.input ?? {};
    if (choice === "overwrite") {
      const variables = { ...operation.variables, input };
      return makeOperation(operation.kind, { ...operation, variables }, operation.context);
    }
    if (choice === "discard") {
      if (input.id) discardOf(input.id);
      setTimeout(() => location.reload()); // when the form knows: until then it would ask before it is left
    }
    return { ...result, extensions: { ...result.extensions, choice } } satisfies OperationResult;
  };
});
