import { t } from "@lingui/core/macro";
import { Alert, Button, Center, Loader, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useMutation, useQuery } from "urql";
import { Failed } from "../../components/Failed";
import { graphql } from "../../gql";
import { errorText, sentences } from "../../lib/errors";
import { Entrance, SecondStep, SignInDocument, type Step } from "./AuthPage";

const LinkDocument = graphql(`
  query PasswordLink($token: String!) {
    passwordLink(token: $token) {
      purpose
      email
      name
    }
  }
`);

const SetDocument = graphql(`
  mutation PasswordSet($input: PasswordSetInput!) {
    passwordSet(input: $input) {
      email
      userErrors {
        field
        message
      }
    }
  }
`);

/** Where a one-time link leads: an invitation is taken up, or a forgotten password replaced. */
export function PasswordPage(props: { done: () => void }) {
  const [token] = useState(location.hash.slice(1));
  const [step, setStep] = useState<Step | null>(null);
  const [{ data, error }, load] = useQuery({ query: LinkDocument, variables: { token } });
  const leave = () => {
    history.replaceState(null, "", "/");
    props.done();
  };
  const link = data?.passwordLink;
  if (step) return <SecondStep step={step} done={leave} back={leave} />;
  if (link) return <PasswordForm token={token} link={link} done={leave} onStep={setStep} />;
  if (data)
    return (
      <Entrance title={t`This link no longer works`}>
        <Text size="sm">{t`It has been used already, or it has expired. Ask an admin for a new one.`}</Text>
        <Button variant="default" onClick={leave}>{t`To the sign-in page`}</Button>
      </Entrance>
    );
  return (
    <Center mih="100vh" p="md" component="main" aria-busy={!error}>
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : (
        <Loader aria-label={t`Loading`} />
      )}
    </Center>
  );
}

function PasswordForm(props: {
  token: string;
  link: { purpose: string; email: string; name: string };
  done: () => void;
  onStep: (step: Step) => void;
}) {
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [{ fetching }, set] = useMutation(SetDocument);
  const [, signIn] = useMutation(SignInDocument);
  const invited = props.link.purpose === "INVITATION";
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const result = await set({ input: { token: props.token, password } });
    if (result.error) return setProblem(errorText(result.error));
    const wrong = result.data?.passwordSet.userErrors ?? [];
    if (wrong.length) return setProblem(sentences(wrong));
    const signedIn = await signIn({ input: { email: props.link.email, password } });
    const step = signedIn.data?.signIn.secondStep;
    if (step) props.onStep(step);
    else props.done();
  };
  return (
    <Entrance title={invited ? t`Welcome, ${props.link.name}` : t`Choose a new password`}>
      <form onSubmit={submit} noValidate>
        <Stack>
          <Text size="sm">
            {invited
              ? t`You have been invited. Choose a password; nobody else will know it.`
              : t`You will be signed out everywhere else.`}
          </Text>
          {problem && (
            <Alert color="red" role="alert">
              {problem}
            </Alert>
          )}
          <TextInput label={t`Email address`} type="email" autoComplete="username" value={props.link.email} readOnly />
          <PasswordInput
            label={t`New password`}
            description={t`At least 10 characters. Four random words are good and easy to remember.`}
            autoComplete="new-password"
            value={password}
            onChange={(e) => setPassword(e.currentTarget.value)}
          />
          <Button type="submit" loading={fetching} fullWidth>
            {invited ? t`Set password and sign in` : t`Set new password`}
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}
