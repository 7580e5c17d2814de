import { Alert, Button, Card, Center, Group, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import { byField, errorText, payloadOf } from "../../lib/errors";

export const SignInDocument = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
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

/** The first page: creates the first admin, later signs people in. */
export function AuthPage(props: { setup: boolean; tokenNeeded: boolean; done: () => void }) {
  const [signInState, signIn] = useMutation(SignInDocument);
  const [setupState, setup] = useMutation(SetupDocument);
  const [problem, setProblem] = useState("");
  const form = useForm({ initialValues: { email: "", name: "", password: "", token: "" } });
  const submit = form.onSubmit(async (v) => {
    setProblem("");
    const result = props.setup
      ? await setup({ input: { email: v.email, name: v.name, password: v.password, token: v.token || null } })
      : await signIn({ input: { email: v.email, password: v.password } });
    if (result.error) return setProblem(errorText(result.error));
    const errors = payloadOf(result.data)?.userErrors ?? [];
    if (errors.length) {
      const { fields, rest } = byField(errors, ["email", "name", "password", "token"]);
      form.setErrors(fields);
      return setProblem(rest);
    }
    props.done();
  });
  return (
    <Center mih="100vh" p="md" component="main">
      <Card w={420} maw="100%" padding="xl" shadow="sm">
        <form onSubmit={submit} noValidate>
          <Stack>
            <Group gap="sm">
              <img src="/icon.svg" width={36} height={36} alt="" />
              <div>
                <Title order={1} size="h3">
                  {props.setup ? "Welcome" : "Sign in"}
                </Title>
                <Text size="sm" c="dimmed">
                  Event Stream Engine
                </Text>
              </div>
            </Group>
            {props.setup && (
              <Text size="sm">Nobody can sign in yet. Create the first admin; you can invite others afterwards.</Text>
            )}
            {problem && (
              <Alert color="red" role="alert">
                {problem}
              </Alert>
            )}
            {props.setup && <TextInput label="Your name" autoComplete="name" {...form.getInputProps("name")} />}
            <TextInput label="Email address" type="email" autoComplete="username" {...form.getInputProps("email")} />
            <PasswordInput
              label="Password"
              description={props.setup ? "At least 10 characters" : undefined}
              autoComplete={props.setup ? "new-password" : "current-password"}
              {...form.getInputProps("password")}
            />
            {props.setup && props.tokenNeeded && (
              <TextInput label="Token" description="It stands in the server's log." {...form.getInputProps("token")} />
            )}
            <Button type="submit" loading={signInState.fetching || setupState.fetching} fullWidth>
              {props.setup ? "Create admin and sign in" : "Sign in"}
            </Button>
          </Stack>
        </form>
      </Card>
    </Center>
  );
}
