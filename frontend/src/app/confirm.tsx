import { Button, Group, PasswordInput, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { type FormEvent, useState } from "react";
import { type Client, type Exchange, makeOperation, type OperationResult } from "urql";
import { filter, makeSubject, merge, pipe } from "wonka";
import { graphql } from "../gql";
import { errorText } from "../lib/errors";

const ConfirmDocument = graphql(`
  mutation Confirm($input: ConfirmInput!) {
    confirm(input: $input) {
      userErrors {
        message
      }
    }
  }
`);

/**
 * Acts that cannot be undone ask who somebody is when the sign-in is an hour old. The answer to that comes here: the
 * person confirms, and what they wanted is done; a form or a button need not know.
 */
export const confirmExchange: Exchange = ({ client, forward }) => {
  const given = makeSubject<OperationResult>();
  const final = (result: OperationResult) => {
    const { operation } = result;
    const asks = result.error?.graphQLErrors.some((e) => e.extensions.code === "CONFIRM");
    if (!asks || operation.context.confirmed) return true;
    ask(client).then((confirmed) => {
      if (!confirmed) return given.next(result);
      client.reexecuteOperation(makeOperation(operation.kind, operation, { ...operation.context, confirmed: true }));
    });
    return false;
  };
  return (operations) => merge([pipe(operations, forward, filter(final)), given.source]);
};

/** Asks for the password; false when the person gives up. */
function ask(client: Client): Promise<boolean> {
  return new Promise((resolve) => {
    let confirmed = false;
    const id = modals.open({
      title: "Confirm that it is you",
      children: (
        <ConfirmForm
          client={client}
          done={() => {
            confirmed = true;
            modals.close(id);
          }}
          cancel={() => modals.close(id)}
        />
      ),
      onClose: () => resolve(confirmed),
    });
  });
}

function ConfirmForm(props: { client: Client; done: () => void; cancel: () => void }) {
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const result = await props.client.mutation(ConfirmDocument, { input: { password } }).toPromise();
    setBusy(false);
    const wrong = result.data?.confirm.userErrors[0]?.message;
    if (result.error) return setProblem(errorText(result.error));
    if (wrong) return setProblem(wrong);
    props.done();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">
          You signed in more than an hour ago, and this cannot be undone. Enter your password again.
        </Text>
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          data-autofocus
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
          error={problem}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={props.cancel}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            Confirm
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
