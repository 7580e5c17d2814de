import { t } from "@lingui/core/macro";
import {
  Alert,
  Anchor,
  Button,
  Card,
  Center,
  Divider,
  Group,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useMutation } from "urql";
import { LanguagePicker } from "../../components/LanguagePicker";
import { graphql } from "../../gql";
import { byField, errorText, payloadOf } from "../../lib/errors";
import { passkeysWork, usePasskeyOf } from "../../lib/passkeys";
import { product } from "../../lib/title";
import { ownZone } from "../../lib/zone";
import { type Provider, providerLink, refusalIn } from "./provider";
import { setupToken } from "./setupLink";

export const SignInDocument = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
      operator {
        id
      }
      secondStep {
        step
        totp
        passkey
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const CodeDocument = graphql(`
  mutation SignInCode($input: SignInCodeInput!) {
    signInCode(input: $input) {
      operator {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const PasskeyBeginDocument = graphql(`
  mutation PasskeySignInBegin {
    passkeySignInBegin {
      options
      step
    }
  }
`);

const PasskeyDocument = graphql(`
  mutation PasskeySignIn($input: PasskeySignInInput!) {
    passkeySignIn(input: $input) {
      operator {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const ResetDocument = graphql(`
  mutation PasswordResetRequest($input: PasswordResetRequestInput!) {
    passwordResetRequest(input: $input) {
      userErrors {
        field
        message
      }
    }
  }
`);

const SetupDocument = graphql(`
  mutation SetupAdmin($input: SetupAdminInput!) {
    setupAdmin(input: $input) {
      operator {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);

export type Step = { step: string; totp: boolean; passkey: boolean };

/** The frame of every page before somebody is signed in. */
export function Entrance(props: { title: string; children: ReactNode }) {
  return (
    <Center mih="100vh" p="md" component="main">
      <Card w={420} maw="100%" padding="xl" shadow="sm">
        <Stack>
          <Group gap="sm">
            <img src="/icon.svg" width={36} height={36} alt="" />
            <div>
              <Title order={1} size="h3">
                {props.title}
              </Title>
              <Text size="sm" c="dimmed">
                {product}
              </Text>
            </div>
          </Group>
          {props.children}
          <LanguagePicker />
        </Stack>
      </Card>
    </Center>
  );
}

function Problem(props: { text: string }) {
  if (!props.text) return null;
  return (
    <Alert color="red" role="alert">
      {props.text}
    </Alert>
  );
}

/** The first page: creates the first admin, later signs people in. */
export function AuthPage(props: {
  setup: boolean;
  tokenNeeded: boolean;
  emails: boolean;
  provider: Provider | null;
  done: () => void;
}) {
  const [step, setStep] = useState<Step | null>(null);
  const [forgotten, setForgotten] = useState(false);
  if (props.setup) return <Setup tokenNeeded={props.tokenNeeded} provider={props.provider} done={props.done} />;
  if (step) return <SecondStep step={step} done={props.done} back={() => setStep(null)} />;
  if (forgotten) return <Forgotten emails={props.emails} back={() => setForgotten(false)} />;
  return <SignIn provider={props.provider} done={props.done} onStep={setStep} onForgotten={() => setForgotten(true)} />;
}

/** Leads to where operators sign in by OpenID Connect, and says why one came back without success. */
function ProviderButton(props: { provider: Provider }) {
  return (
    <Button
      component="a"
      href={providerLink(props.provider, location)}
      variant={props.provider.only ? "filled" : "default"}
      fullWidth
    >{t`Sign in with ${props.provider.name}`}</Button>
  );
}

/** The reason is read once: the address is not left with it. */
function useRefusal(provider: Provider | null) {
  const [refusal] = useState(() => refusalIn(location.hash, provider));
  useEffect(() => {
    if (refusal) history.replaceState(null, "", location.pathname + location.search);
  }, [refusal]);
  return refusal;
}

function SignIn(props: {
  provider: Provider | null;
  done: () => void;
  onStep: (step: Step) => void;
  onForgotten: () => void;
}) {
  const [{ fetching }, signIn] = useMutation(SignInDocument);
  const [problem, setProblem] = useState(useRefusal(props.provider));
  const [byPassword, setByPassword] = useState(!props.provider?.only);
  const form = useForm({ initialValues: { email: "", password: "" } });
  const submit = form.onSubmit(async (v) => {
    setProblem("");
    const result = await signIn({ input: v });
    if (result.error) return setProblem(errorText(result.error));
    const errors = payloadOf(result.data)?.userErrors ?? [];
    if (errors.length) {
      const { fields, rest } = byField(errors, ["email", "password"]);
      form.setErrors(fields);
      return setProblem(rest);
    }
    const step = result.data?.signIn.secondStep;
    if (step) props.onStep(step);
    else props.done();
  });
  if (props.provider && !byPassword)
    return (
      <Entrance title={t`Sign in`}>
        <Problem text={problem} />
        <ProviderButton provider={props.provider} />
        <Anchor
          component="button"
          type="button"
          size="sm"
          onClick={() => setByPassword(true)}
        >{t`Emergency access by password`}</Anchor>
      </Entrance>
    );
  return (
    <Entrance title={t`Sign in`}>
      {props.provider && (
        <>
          <ProviderButton provider={props.provider} />
          <Divider label={t`or`} />
        </>
      )}
      <form onSubmit={submit} noValidate>
        <Stack>
          <Problem text={problem} />
          {props.provider?.only && (
            <Text
              size="sm"
              c="dimmed"
            >{t`A password counts for a day after “server operator reset” on the server’s command line.`}</Text>
          )}
          <TextInput
            label={t`Email address`}
            type="email"
            autoComplete="username webauthn"
            {...form.getInputProps("email")}
          />
          <PasswordInput label={t`Password`} autoComplete="current-password" {...form.getInputProps("password")} />
          <Button type="submit" loading={fetching} fullWidth>{t`Sign in`}</Button>
          {!props.provider?.only && (
            <Anchor
              component="button"
              type="button"
              size="sm"
              onClick={props.onForgotten}
            >{t`Forgot your password?`}</Anchor>
          )}
        </Stack>
      </form>
      {passkeysWork() && (
        <>
          <Divider label={t`or`} />
          <PasskeyButton done={props.done} onProblem={setProblem} />
        </>
      )}
    </Entrance>
  );
}

function PasskeyButton(props: { done: () => void; onProblem: (text: string) => void }) {
  const [, begin] = useMutation(PasskeyBeginDocument);
  const [, signIn] = useMutation(PasskeyDocument);
  const [busy, setBusy] = useState(false);
  const attempt = async (): Promise<string | null> => {
    const begun = await begin({});
    if (begun.error) return errorText(begun.error);
    const response = await usePasskeyOf(begun.data?.passkeySignInBegin.options);
    if (!response) return t`No passkey was used. Try again, or sign in with your password.`;
    const result = await signIn({ input: { step: begun.data?.passkeySignInBegin.step ?? "", response } });
    if (result.error) return errorText(result.error);
    return result.data?.passkeySignIn.userErrors[0]?.message ?? null;
  };
  return (
    <Button
      variant="default"
      fullWidth
      loading={busy}
      onClick={async () => {
        setBusy(true);
        props.onProblem("");
        const wrong = await attempt().catch((e: Error) => e.message);
        setBusy(false);
        if (wrong) props.onProblem(wrong);
        else props.done();
      }}
    >{t`Sign in with a passkey`}</Button>
  );
}

/** After the right password: a code of the app, a recovery code, or the passkey. */
export function SecondStep(props: { step: Step; done: () => void; back: () => void }) {
  const [{ fetching }, send] = useMutation(CodeDocument);
  const [recovery, setRecovery] = useState(!props.step.totp);
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setProblem("");
    const result = await send({ input: { step: props.step.step, code } });
    if (result.error) return setProblem(errorText(result.error));
    const wrong = result.data?.signInCode.userErrors[0]?.message;
    if (wrong) {
      setCode("");
      return setProblem(wrong);
    }
    props.done();
  };
  return (
    <Entrance title={t`One more step`}>
      <form onSubmit={submit} noValidate>
        <Stack>
          <Problem text={problem} />
          <TextInput
            key={String(recovery)}
            label={recovery ? t`Recovery code` : t`Code`}
            description={
              recovery ? t`One of the codes that you saved. It works once.` : t`The six digits that your app shows`
            }
            autoComplete={recovery ? "off" : "one-time-code"}
            inputMode={recovery ? "text" : "numeric"}
            autoFocus
            value={code}
            onChange={(e) => setCode(e.currentTarget.value)}
          />
          <Button type="submit" loading={fetching} fullWidth>{t`Sign in`}</Button>
          <Group justify="space-between">
            {props.step.totp ? (
              <Anchor component="button" type="button" size="sm" onClick={() => setRecovery(!recovery)}>
                {recovery ? t`Use the app` : t`Use a recovery code`}
              </Anchor>
            ) : (
              <span />
            )}
            <Anchor component="button" type="button" size="sm" onClick={props.back}>{t`Start again`}</Anchor>
          </Group>
        </Stack>
      </form>
      {props.step.passkey && passkeysWork() && (
        <>
          <Divider label={t`or`} />
          <PasskeyButton done={props.done} onProblem={setProblem} />
        </>
      )}
      <Text
        size="xs"
        c="dimmed"
      >{t`Lost your phone and your recovery codes? Ask an admin to reset your two-step sign-in.`}</Text>
    </Entrance>
  );
}

function Forgotten(props: { emails: boolean; back: () => void }) {
  const [{ fetching }, request] = useMutation(ResetDocument);
  const [email, setEmail] = useState("");
  const [problem, setProblem] = useState("");
  const [sent, setSent] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setProblem("");
    const result = await request({ input: { email } });
    if (result.error) return setProblem(errorText(result.error));
    const wrong = result.data?.passwordResetRequest.userErrors[0]?.message;
    if (wrong) return setProblem(wrong);
    setSent(true);
  };
  const back = <Anchor component="button" type="button" size="sm" onClick={props.back}>{t`Back to sign-in`}</Anchor>;
  if (!props.emails || sent)
    return (
      <Entrance title={sent ? t`Check your inbox` : t`Forgot your password?`}>
        <Text size="sm">
          {sent
            ? t`If there is an account with this address, a link for a new password is on its way. It works once, for one day.`
            : t`Ask an admin. They give you a link with which you choose a new one.`}
        </Text>
        {back}
      </Entrance>
    );
  return (
    <Entrance title={t`Forgot your password?`}>
      <form onSubmit={submit} noValidate>
        <Stack>
          <Problem text={problem} />
          <TextInput
            label={t`Email address`}
            type="email"
            autoComplete="username"
            value={email}
            onChange={(e) => setEmail(e.currentTarget.value)}
          />
          <Button type="submit" loading={fetching} fullWidth>{t`Email me a link`}</Button>
          {back}
        </Stack>
      </form>
    </Entrance>
  );
}

function Setup(props: { tokenNeeded: boolean; provider: Provider | null; done: () => void }) {
  const [{ fetching }, setup] = useMutation(SetupDocument);
  const [problem, setProblem] = useState(useRefusal(props.provider));
  const [linked, setLinked] = useState("");
  const form = useForm({ initialValues: { email: "", name: "", password: "", token: "" } });
  useEffect(() => {
    const take = () => {
      const token = setupToken(window);
      if (token) setLinked(token);
    };
    take();
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, []);
  const submit = form.onSubmit(async (v) => {
    setProblem("");
    const result = await setup({ input: { ...v, token: v.token || linked, timeZone: ownZone } });
    if (result.error) return setProblem(errorText(result.error));
    const errors = payloadOf(result.data)?.userErrors ?? [];
    if (errors.length) {
      const { fields, rest } = byField(errors, ["email", "name", "password", "token"]);
      if (fields.token) setLinked(""); // the field appears, with what is wrong
      form.setErrors(fields);
      return setProblem(rest);
    }
    props.done();
  });
  return (
    <Entrance title={t`Welcome`}>
      {props.provider && (
        <>
          <ProviderButton provider={props.provider} />
          <Divider label={t`or`} />
        </>
      )}
      <form onSubmit={submit} noValidate>
        <Stack>
          <Text size="sm">{t`There are no accounts yet. Create the first admin; you can invite others afterwards.`}</Text>
          <Problem text={problem} />
          <TextInput label={t`Your name`} autoComplete="name" {...form.getInputProps("name")} />
          <TextInput label={t`Email address`} type="email" autoComplete="username" {...form.getInputProps("email")} />
          <PasswordInput
            label={t`Password`}
            description={t`At least 10 characters`}
            autoComplete="new-password"
            {...form.getInputProps("password")}
          />
          {props.tokenNeeded && !linked && (
            <TextInput
              label={t`Token`}
              description={t`Open the link that the server prints when it starts, or copy what follows #setup= in it.`}
              {...form.getInputProps("token")}
            />
          )}
          <Button type="submit" loading={fetching} fullWidth>{t`Create admin and sign in`}</Button>
        </Stack>
      </form>
    </Entrance>
  );
}
