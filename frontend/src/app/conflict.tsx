import { Button, Group, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { type Exchange, makeOperation, type OperationResult } from "urql";
import { filter, makeSubject, merge, pipe } from "wonka";
import { payloadOf, type UserError } from "../lib/errors";
import { sentence } from "../lib/format";
import { discardShown } from "../lib/kept";

type Choice = "overwrite" | "reload" | "edit";

/**
 * A save says which revision of a thing it was made on. When somebody has changed the thing since, the answer comes
 * here: the person decides whether theirs goes over it; a form need not know.
 */
export const conflictExchange: Exchange = ({ client, forward }) => {
  const given = makeSubject<OperationResult>();
  const final = (result: OperationResult) => {
    const { operation } = result;
    const outdated = operation.kind === "mutation" && outdatedIn(result);
    if (!outdated) return true;
    ask(outdated.message).then((choice) => {
      if (choice === "reload") {
        discardShown();
        return location.reload();
      }
      if (choice === "edit") return given.next(result);
      const { expectedVersion: _, ...input } = operation.variables?.input ?? {};
      client.reexecuteOperation(
        makeOperation(
          operation.kind,
          { ...operation, variables: { ...operation.variables, input } },
          operation.context,
        ),
      );
    });
    return false;
  };
  return (operations) => merge([pipe(operations, forward, filter(final)), given.source]);
};

function outdatedIn(result: OperationResult): UserError | undefined {
  return payloadOf(result.data)?.userErrors?.find((e) => e.field?.[0] === "expectedVersion");
}

function ask(message: string): Promise<Choice> {
  return new Promise((resolve) => {
    let choice: Choice = "edit";
    const choose = (made: Choice) => {
      choice = made;
      modals.close(id);
    };
    const id = modals.open({
      title: "Somebody else has changed this",
      size: "lg",
      children: (
        <Stack>
          <Text size="sm">{sentence(message.split(":")[0] ?? message)} What you see here is older than that.</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={() => choose("edit")} data-autofocus>
              Keep editing
            </Button>
            <Button variant="default" onClick={() => choose("reload")}>
              Discard mine and reload
            </Button>
            <Button color="red" onClick={() => choose("overwrite")}>
              Save mine over it
            </Button>
          </Group>
        </Stack>
      ),
      onClose: () => resolve(choice),
    });
  });
}
