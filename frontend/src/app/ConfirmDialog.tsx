import { t } from "@lingui/core/macro";
import { Alert, Button, Divider, Group, Loader, PasswordInput, Stack, Text } from "@mantine/core";
import { type FormEvent, useEffect, useState } from "react";
import type { Client } from "urql";
import { confirmations } from "../features/auth/provider";
import { graphql } from "../gql";
import { errorText } from "../lib/errors";
import { modals } from "../lib/modals";
import { passkeysWork, usePasskeyOf } from "../lib/passkeys";

const BeginDocument = graphql(`
  mutation ConfirmBegin {
    confirmBegin {
      password
      passkeyOptions
      passkeyStep
      providerUrl
      userErrors {
        message
      }
    }
  }
`);

const ConfirmDocument = graphql(`
  mutation Confirm($input: ConfirmInput!) {
    confirm(input: $input) {
      userErrors {
        message
      }
    }
  }
`);

/** Asks who somebody is; false when the person gives up. */
export function askWho(client: Client): Promise<boolean> {
  return new Promise((resolve) => {
    let confirmed = false;
    const id = modals.open({
      title: t`Confirm that it is you`,
      children: (
        <Confirm
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

type Ways = NonNullable<ReturnType<typeof useWays>["ways"]>;
type Proof = { password: string } | { passkey: { step: string; response: unknown } };

/** The ways this person has; asked for anew when one of them was used up. */
function useWays(client: Client) {
  const begin = () => client.mutation(BeginDocument, {}).toPromise();
  const [result, setResult] = useState<Awaited<ReturnType<typeof begin>>>();
  useEffect(() => {
    begin().then(setResult);
  }, []);
  return {
    ways: result?.data?.confirmBegin,
    problem: result?.error ? errorText(result.error) : "",
    again: () => begin().then(setResult),
  };
}

function Confirm(props: { client: Client; done: () => void; cancel: () => void }) {
  const { ways, problem: lost, again } = useWays(props.client);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const prove = async (input: Proof) => {
    setBusy(true);
    const result = await props.client.mutation(ConfirmDocument, { input }).toPromise();
    setBusy(false);
    const wrong = result.error ? errorText(result.error) : result.data?.confirm.userErrors[0]?.message;
    if (!wrong) return props.done();
    setProblem(wrong);
    if ("passkey" in input) again();
  };
  if (lost) return <Alert color="red">{lost}</Alert>;
  if (!ways) return <Loader aria-label={t`Loading`} />;
  const byPasskey = ways.passkeyOptions != null && passkeysWork();
  return (
    <Stack>
      <Text size="sm">{t`You signed in more than an hour ago, and this cannot be undone. Confirm your identity again.`}</Text>
      {problem && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      {byPasskey && <ByPasskey ways={ways} busy={busy} prove={prove} onProblem={setProblem} />}
      {byPasskey && ways.password && <Divider label={t`or`} />}
      {ways.password && <ByPassword busy={busy} prove={prove} first={!byPasskey} />}
      {ways.providerUrl && (
        <>
          {(byPasskey || ways.password) && <Divider label={t`or`} />}
          <ByProvider
            url={ways.providerUrl}
            first={!byPasskey && !ways.password}
            done={props.done}
            onProblem={setProblem}
          />
        </>
      )}
      {!byPasskey && !ways.password && !ways.providerUrl && (
        <Alert color="yellow">
          {ways.passkeyOptions == null
            ? t`You have neither a password nor a passkey. Sign out and in again; after that this is allowed for an hour.`
            : t`Your passkey does not work in this browser or at this address. Sign out and in again instead.`}
        </Alert>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={props.cancel}>{t`Cancel`}</Button>
      </Group>
    </Stack>
  );
}

function ByPasskey(props: {
  ways: Ways;
  busy: boolean;
  prove: (input: Proof) => void;
  onProblem: (text: string) => void;
}) {
  const use = async () => {
    props.onProblem("");
    const response = await usePasskeyOf(props.ways.passkeyOptions).catch((e: Error) => {
      props.onProblem(e.message);
      return undefined;
    });
    if (response) props.prove({ passkey: { step: props.ways.passkeyStep ?? "", response } });
    else if (response === null) props.onProblem(t`No passkey was used. Try again.`);
  };
  return <Button onClick={use} loading={props.busy} autoFocus>{t`Confirm with a passkey`}</Button>;
}

/** A window of its own: what somebody wanted to do waits in this one. */
function ByProvider(props: { url: string; first: boolean; done: () => void; onProblem: (text: string) => void }) {
  const { done, onProblem } = props;
  const [waiting, setWaiting] = useState(false);
  useEffect(() => {
    if (!waiting) return;
    const channel = confirmations();
    channel.onmessage = ({ data }) => {
      setWaiting(false);
      if (data) onProblem(String(data));
      else done();
    };
    return () => channel.close();
  }, [waiting, done, onProblem]);
  return (
    <>
      <Button
        variant="default"
        autoFocus={props.first}
        onClick={() => {
          onProblem("");
          const opened = window.open(props.url, "confirm", "popup,width=520,height=720");
          setWaiting(opened !== null);
          if (!opened) onProblem(t`The browser blocked the window. Allow pop-ups for this address and try again.`);
        }}
      >{t`Confirm with your sign-in provider`}</Button>
      {waiting && <Text size="sm" c="dimmed" role="status">{t`Continue in the window that opened.`}</Text>}
    </>
  );
}

function ByPassword(props: { busy: boolean; prove: (input: Proof) => void; first: boolean }) {
  const [password, setPassword] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    props.prove({ password });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <PasswordInput
          label={t`Password`}
          autoComplete="current-password"
          autoFocus={props.first}
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
        />
        <Button type="submit" variant={props.first ? "filled" : "default"} loading={props.busy}>{t`Confirm`}</Button>
      </Stack>
    </form>
  );
}
