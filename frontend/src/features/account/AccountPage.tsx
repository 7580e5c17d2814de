import { t } from "@lingui/core/macro";
import {
  Alert,
  Button,
  Card,
  Group,
  PasswordInput,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery } from "urql";
import { useSession } from "../../app/session";
import { Failed } from "../../components/Failed";
import { LanguagePicker } from "../../components/LanguagePicker";
import { Page, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { PageLanguage } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { moment, words } from "../../lib/format";
import { chooseLanguage, type Language } from "../../lib/language";
import { notifications } from "../../lib/notifications";
import { browserName } from "../../lib/passkeys";
import { Factors } from "./Factors";

const SessionsDocument = graphql(`
  query Sessions {
    sessions {
      id
      userAgent
      address
      current
      createdAt
      lastSeenAt
    }
  }
`);
const RevokeDocument = graphql(`
  mutation SessionRevoke($input: SessionRevokeInput!) {
    sessionRevoke(input: $input) {
      userErrors {
        message
      }
    }
  }
`);
const EverywhereDocument = graphql(`
  mutation SignOutEverywhere {
    signOutEverywhere {
      userErrors {
        message
      }
    }
  }
`);
const PasswordDocument = graphql(`
  mutation PasswordChange($input: PasswordChangeInput!) {
    passwordChange(input: $input) {
      userErrors {
        field
        message
      }
    }
  }
`);

const NameDocument = graphql(`
  mutation AccountUpdate($input: AccountUpdateInput!) {
    accountUpdate(input: $input) {
      account {
        operator {
          id
          name
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const LanguageDocument = graphql(`
  mutation LanguageSet($input: LanguageSetInput!) {
    languageSet(input: $input) {
      userErrors {
        message
      }
    }
  }
`);

/** Oneself: name, language, and the way in, with password, second step, passkeys, and where one is signed in. */
export function AccountPage() {
  const { viewer, account } = useSession();
  return (
    <Page title={t`Account`} description={`${viewer.name} · ${viewer.email} · ${words(viewer.role)}`}>
      <SimpleGrid cols={{ base: 1, lg: 2 }} style={{ alignItems: "start" }}>
        <Factors />
        <Stack>
          <OwnName key={viewer.name} />
          {account?.password && <ChangePassword />}
          <PagesLanguage />
        </Stack>
      </SimpleGrid>
      <Sessions />
    </Page>
  );
}

function OwnName() {
  const { viewer } = useSession();
  const [{ fetching }, update] = useMutation(NameDocument);
  const form = useForm({ initialValues: { name: viewer.name } });
  return (
    <Card>
      <form
        onSubmit={form.onSubmit(async (v) => {
          const result = await update({ input: v });
          const errors = result.data?.accountUpdate.userErrors ?? [];
          const { fields, rest } = byField(errors, ["name"]);
          if (errors.length) return form.setErrors(rest ? { name: rest } : fields);
          if (settled(result)) notifications.show({ message: t`Saved`, color: "green" });
        })}
      >
        <Stack>
          <TextInput
            label={t`Name`}
            description={t`As everybody who works here sees it`}
            autoComplete="name"
            maxLength={100}
            {...form.getInputProps("name")}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={fetching} disabled={!form.isDirty()}>{t`Save`}</Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}

function PagesLanguage() {
  const [, update] = useMutation(LanguageDocument);
  const choose = async (chosen: Language | null) => {
    const input = { language: (chosen?.toUpperCase() ?? null) as PageLanguage | null };
    if (settled(await update({ input }))) chooseLanguage(chosen);
  };
  return (
    <Card>
      <LanguagePicker
        label={t`Language`}
        description={t`For the text, numbers and dates of the pages`}
        onChoose={choose}
      />
    </Card>
  );
}

function ChangePassword() {
  const [{ fetching }, change] = useMutation(PasswordDocument);
  const form = useForm({ initialValues: { currentPassword: "", newPassword: "" } });
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`Password`}</Title>
      <form
        onSubmit={form.onSubmit(async (v) => {
          const result = await change({ input: v });
          const errors = result.data?.passwordChange.userErrors ?? [];
          const { fields, rest } = byField(errors, ["currentPassword", "newPassword"]);
          if (errors.length) return form.setErrors(rest ? { ...fields, currentPassword: rest } : fields);
          if (!settled(result)) return;
          form.reset();
          notifications.show({ message: t`Password changed. Your other sessions have ended.`, color: "green" });
        })}
      >
        <Stack>
          <PasswordInput
            label={t`Current password`}
            autoComplete="current-password"
            {...form.getInputProps("currentPassword")}
          />
          <PasswordInput
            label={t`New password`}
            description={t`At least 10 characters. Four random words are good and easy to remember.`}
            autoComplete="new-password"
            {...form.getInputProps("newPassword")}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={fetching} disabled={!form.isDirty()}>{t`Change password`}</Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}

function Sessions() {
  const [{ data, error }, load] = useQuery({ query: SessionsDocument });
  const [, revoke] = useMutation(RevokeDocument);
  const [, everywhere] = useMutation(EverywhereDocument);
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={3} />;
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">{t`Where you are signed in`}</Title>
        {data.sessions.length > 1 && (
          <Button
            variant="default"
            onClick={async () => settled(await everywhere({}))}
          >{t`Sign out everywhere else`}</Button>
        )}
      </Group>
      <Table className="cards">
        <Table.Tbody>
          {data.sessions.map((s) => (
            <Table.Tr key={s.id}>
              <Table.Td data-label={t`Browser`}>
                {browserName(s.userAgent)}
                <Text size="xs" c="dimmed">
                  {s.address || t`unknown address`} · {t`since ${moment(s.createdAt)}`}
                </Text>
              </Table.Td>
              <Table.Td data-label={t`Last used`}>
                <Text size="xs" c="dimmed" visibleFrom="sm">{t`Last used`}</Text>
                {moment(s.lastSeenAt)}
              </Table.Td>
              <Table.Td ta="right">
                {s.current ? (
                  <Text size="sm" fw={550} style={{ whiteSpace: "nowrap" }}>{t`This device`}</Text>
                ) : (
                  <Button
                    size="xs"
                    variant="subtle"
                    color="red"
                    aria-label={t`Sign out ${browserName(s.userAgent)}`}
                    onClick={async () => settled(await revoke({ input: { id: s.id } }))}
                  >{t`Sign out`}</Button>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {data.sessions.length > 1 && (
        <Alert color="gray" mt="sm">{t`If you do not recognize one, sign it out and change your password.`}</Alert>
      )}
    </Card>
  );
}
