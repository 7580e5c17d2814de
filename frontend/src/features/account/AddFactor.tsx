import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Alert, Button, Center, Code, Group, Image, Loader, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import type { TotpSetupMutation } from "../../gql/graphql";
import { errorText, payloadOf, sentences } from "../../lib/errors";
import { browserName, makePasskey } from "../../lib/passkeys";

const SetupDocument = graphql(`
  mutation TotpSetup {
    totpSetup {
      secret
      qrCode
      step
      userErrors {
        message
      }
    }
  }
`);
const EnableDocument = graphql(`
  mutation TotpEnable($input: TotpEnableInput!) {
    totpEnable(input: $input) {
      recoveryCodes
      userErrors {
        message
      }
    }
  }
`);
const BeginDocument = graphql(`
  mutation PasskeyBegin {
    passkeyBegin {
      options
      step
      userErrors {
        message
      }
    }
  }
`);
const RegisterDocument = graphql(`
  mutation PasskeyRegister($input: PasskeyRegisterInput!) {
    passkeyRegister(input: $input) {
      passkey {
        id
      }
      recoveryCodes
      userErrors {
        message
      }
    }
  }
`);

type Done = (recoveryCodes: string[] | null | undefined) => void;

/** What went wrong with a mutation, for people. */
function problemOf(result: { error?: Parameters<typeof errorText>[0]; data?: object | null }): string {
  if (result.error) return errorText(result.error);
  return sentences(payloadOf(result.data)?.userErrors);
}

export function AddApp(props: { done: Done }) {
  const [, begin] = useMutation(SetupDocument);
  const [{ fetching }, enable] = useMutation(EnableDocument);
  const [setup, setSetup] = useState<TotpSetupMutation["totpSetup"] | null>(null);
  const secret = <Code data-testid="totp-secret">{setup?.secret}</Code>;
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState("");
  useEffect(() => {
    begin({}).then((result) => {
      setProblem(problemOf(result));
      setSetup(result.data?.totpSetup ?? null);
    });
  }, [begin]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const result = await enable({ input: { step: setup?.step ?? "", code } });
    const wrong = problemOf(result);
    setProblem(wrong);
    if (!wrong) props.done(result.data?.totpEnable.recoveryCodes);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{t`Scan this with an app such as Google Authenticator, 1Password or Aegis, then enter the code that it shows.`}</Text>
        <Center mih={220}>
          {setup?.qrCode ? (
            <Image src={setup.qrCode} w={220} h={220} alt={t`QR code for the app`} />
          ) : (
            <Loader aria-label={t`Loading`} />
          )}
        </Center>
        {setup?.secret && (
          <Text size="sm" c="dimmed">
            <Trans>Or type this in: {secret}</Trans>
          </Text>
        )}
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        <TextInput
          label={t`Code`}
          description={t`The six digits that the app shows`}
          inputMode="numeric"
          autoComplete="one-time-code"
          value={code}
          onChange={(e) => setCode(e.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={fetching} disabled={code.trim() === ""}>{t`Use this app`}</Button>
        </Group>
      </Stack>
    </form>
  );
}

export function AddPasskey(props: { done: Done }) {
  const [, begin] = useMutation(BeginDocument);
  const [, register] = useMutation(RegisterDocument);
  const [name, setName] = useState(browserName(navigator.userAgent));
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const make = async () => {
    const begun = await begin({});
    const refused = problemOf(begun);
    if (refused) return refused;
    const response = await makePasskey(begun.data?.passkeyBegin.options);
    if (!response) return t`No passkey was created. You may already have one on this device.`;
    const result = await register({ input: { step: begun.data?.passkeyBegin.step ?? "", name, response } });
    const wrong = problemOf(result);
    if (!wrong) props.done(result.data?.passkeyRegister.recoveryCodes);
    return wrong;
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(await make().catch((e: Error) => e.message));
    setBusy(false);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{t`Your device keeps the key and asks for your fingerprint, face or screen lock. Give it a name that you will recognize.`}</Text>
        <TextInput label={t`Name`} value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={busy}>{t`Make passkey`}</Button>
        </Group>
      </Stack>
    </form>
  );
}
