import { t } from "@lingui/core/macro";
import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import type { CredentialsFragment } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { moment } from "../../lib/format";
import { modals } from "../../lib/modals";

graphql(`
  fragment Credentials on ProviderCredentials {
    source
    accountSid
    apiKeySid
    setAt
    setBy {
      id
      name
    }
    previousTokenUntil
  }
`);
const CredentialsSetDocument = graphql(`
  mutation ProviderCredentialsSet($input: ProviderCredentialsSetInput!) {
    providerCredentialsSet(input: $input) {
      userErrors {
        field
        message
      }
    }
  }
`);
const CredentialsForgetDocument = graphql(`
  mutation ProviderCredentialsForget {
    providerCredentialsForget {
      userErrors {
        message
      }
    }
  }
`);

const fields = ["accountSid", "authToken", "apiKeySid", "apiKeySecret"];

/** How Twilio is signed in to: what there is, and a form for other credentials. */
export function Credentials(props: { of: CredentialsFragment; live: boolean; onDone: () => void }) {
  const c = props.of;
  const [open, setOpen] = useState(false);
  const [{ fetching: forgetting }, forget] = useMutation(CredentialsForgetDocument);
  const who = c.setBy?.name;
  const ask = () =>
    modals.openConfirmModal({
      title: t`Forget the credentials of ${c.accountSid ?? ""}?`,
      children: (
        <Text size="sm">{t`They are deleted here and stay valid at Twilio. To go live, you have to enter credentials again.`}</Text>
      ),
      labels: { confirm: t`Forget the credentials`, cancel: t`Cancel` },
      confirmProps: { color: "red" },
      onConfirm: async () => {
        settled(await forget({}));
        props.onDone();
      },
    });
  const found = [
    c.source === "ENVIRONMENT" && t`Found in the environment: account ${c.accountSid ?? ""}.`,
    c.source === "STORED" && t`Account ${c.accountSid ?? ""}, kept encrypted.`,
    c.apiKeySid && t`The API key ${c.apiKeySid} signs in.`,
    c.setAt && (who ? t`Entered ${moment(c.setAt)} by ${who}.` : t`Entered ${moment(c.setAt)}.`),
    c.previousTokenUntil &&
      t`Webhooks signed with the previous token are accepted until ${moment(c.previousTokenUntil)}, so that you can promote the new one in Twilio’s console. Entering the same credentials again ends that.`,
  ].filter(Boolean);
  return (
    <Stack gap="sm">
      {found.length > 0 && (
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {found.join(" ")}
        </Text>
      )}
      {c.source === "STORED" && !open && (
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={() => setOpen(true)}>{t`Change credentials`}</Button>
          {!props.live && (
            <Button
              size="xs"
              variant="subtle"
              color="red"
              loading={forgetting}
              onClick={ask}
            >{t`Forget the credentials`}</Button>
          )}
        </Group>
      )}
      {(c.source === "NONE" || open) && (
        <CredentialsForm
          onCancel={c.source === "NONE" ? undefined : () => setOpen(false)}
          onDone={() => {
            setOpen(false);
            props.onDone();
          }}
        />
      )}
    </Stack>
  );
}

function CredentialsForm({ onCancel, onDone }: { onCancel?: () => void; onDone: () => void }) {
  const [{ fetching }, set] = useMutation(CredentialsSetDocument);
  const [problem, setProblem] = useState("");
  const form = useForm({ initialValues: { accountSid: "", authToken: "", apiKeySid: "", apiKeySecret: "" } });
  const save = form.onSubmit(async (v) => {
    setProblem("");
    const result = await set({
      input: {
        accountSid: v.accountSid,
        authToken: v.authToken,
        apiKeySid: v.apiKeySid || null,
        apiKeySecret: v.apiKeySecret || null,
      },
    });
    if (result.error) return void settled(result);
    const { fields: wrong, rest } = byField(result.data?.providerCredentialsSet.userErrors ?? [], fields);
    form.setErrors(wrong);
    setProblem(rest);
    if (!rest && Object.keys(wrong).length === 0) onDone();
  });
  return (
    <form onSubmit={save}>
      <Stack gap="sm" maw={520}>
        {problem && <Alert color="red">{problem}</Alert>}
        <TextInput
          label={t`Account SID`}
          description={t`AC and 32 hexadecimal digits`}
          autoComplete="off"
          {...form.getInputProps("accountSid")}
        />
        <PasswordInput
          label={t`Auth token`}
          description={t`It stands beside the account SID in Twilio’s console`}
          autoComplete="off"
          visibilityToggleButtonProps={{ "aria-label": t`Show the token` }}
          {...form.getInputProps("authToken")}
        />
        <TextInput
          label={t`API key`}
          description={t`Optional: SK and 32 hexadecimal digits; it signs in instead of the token`}
          autoComplete="off"
          {...form.getInputProps("apiKeySid")}
        />
        <PasswordInput
          label={t`API key secret`}
          autoComplete="off"
          visibilityToggleButtonProps={{ "aria-label": t`Show the secret` }}
          {...form.getInputProps("apiKeySecret")}
        />
        <Group>
          <Button type="submit" loading={fetching}>{t`Check and save`}</Button>
          {onCancel && <Button variant="default" onClick={onCancel}>{t`Cancel`}</Button>}
        </Group>
      </Stack>
    </form>
  );
}
