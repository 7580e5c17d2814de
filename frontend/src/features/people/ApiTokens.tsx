import { t } from "@lingui/core/macro";
import {
  Button,
  Card,
  Checkbox,
  Flex,
  Group,
  Select,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useSession } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ApiTokensQuery, Role, Scope } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { midSentence, moment, words } from "../../lib/format";
import { modals } from "../../lib/modals";
import { CopyOnce } from "./CopyOnce";
import { roles, scopes } from "./roles";

const TokensDocument = graphql(`
  query ApiTokens {
    operators {
      id
      kind
      name
      role
      active
    }
    apiTokens {
      id
      name
      role
      scopes
      prefix
      owner {
        id
        name
        kind
        active
      }
      expiresAt
      revokedAt
      lastUsedAt
    }
  }
`);
const CreateDocument = graphql(`
  mutation ApiTokenCreate($input: ApiTokenCreateInput!) {
    apiTokenCreate(input: $input) {
      secret
      apiToken {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const RevokeDocument = graphql(`
  mutation ApiTokenRevoke($input: ApiTokenRevokeInput!) {
    apiTokenRevoke(input: $input) {
      apiToken {
        id
        revokedAt
      }
      userErrors {
        message
      }
    }
  }
`);
const ServiceDocument = graphql(`
  mutation ServiceAccountCreate($input: ServiceAccountCreateInput!) {
    serviceAccountCreate(input: $input) {
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

type Token = ApiTokensQuery["apiTokens"][number];

/** How machines get in. */
export function ApiTokens() {
  const [{ data, error }, load] = useQuery({ query: TokensDocument });
  const [making, make] = useDisclosure();
  const [adding, add] = useDisclosure();
  const [secret, setSecret] = useState("");
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={3} />;
  const services = data.operators.filter((o) => o.kind === "SERVICE" && o.active);
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">{t`API tokens`}</Title>
        {/* On a phone what is done most stands above. */}
        <Flex direction={{ base: "column-reverse", xs: "row" }} gap="xs" w={{ base: "100%", xs: "auto" }}>
          <Button variant="default" onClick={add.open}>{t`New service account`}</Button>
          <Button
            onClick={() => {
              setSecret("");
              make.open();
            }}
          >{t`New token`}</Button>
        </Flex>
      </Group>
      <Dialog opened={making} onClose={make.close} title={t`New API token`}>
        {secret ? (
          <CopyOnce value={secret}>{t`Copy it now. It will not be shown again.`}</CopyOnce>
        ) : (
          <TokenForm services={services} done={setSecret} />
        )}
      </Dialog>
      <Dialog opened={adding} onClose={add.close} title={t`New service account`}>
        <ServiceForm done={add.close} />
      </Dialog>
      {data.apiTokens.length === 0 ? (
        <Text
          size="sm"
          c="dimmed"
        >{t`No tokens yet. A program sends one with each call to the API, as “Authorization: Bearer …”.`}</Text>
      ) : (
        <Table className="cards">
          <Table.Tbody>
            {data.apiTokens.map((token) => (
              <Row key={token.id} token={token} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}

function Row(props: { token: Token }) {
  const token = props.token;
  const [, revoke] = useMutation(RevokeDocument);
  const ask = () =>
    modals.openConfirmModal({
      title: t`Revoke “${token.name}”?`,
      children: <Text size="sm">{t`Anything that uses it stops working at once. This cannot be undone.`}</Text>,
      labels: { confirm: t`Revoke`, cancel: t`Keep` },
      confirmProps: { color: "red" },
      onConfirm: async () => settled(await revoke({ input: { id: token.id } })),
    });
  return (
    <Table.Tr>
      <Table.Td data-label={t`Name`}>
        {token.name}
        <Text size="xs" c="dimmed">
          {token.prefix}… · {token.owner.name}
        </Text>
      </Table.Td>
      <Table.Td data-label={t`May`}>
        {words(token.role)}
        <Text size="xs" c="dimmed">
          {token.scopes.length === scopes.length
            ? t`everything the role may do`
            : scopes
                .filter((s) => token.scopes.includes(s.value))
                .map((s) => midSentence(s.label))
                .join(", ")}
        </Text>
      </Table.Td>
      <Table.Td data-label={t`Last used`}>
        {moment(token.lastUsedAt)}
        <Text size="xs" c="dimmed">
          {token.expiresAt ? t`until ${moment(token.expiresAt)}` : t`never expires`}
        </Text>
      </Table.Td>
      <Table.Td ta="right">
        {token.revokedAt ? (
          <Status value="CANCELED" label={t`Revoked`} />
        ) : token.expiresAt && new Date(token.expiresAt) < new Date() ? (
          <Status value="CANCELED" label={t`Expired`} />
        ) : (
          <Group gap="xs" justify="flex-end">
            {!token.owner.active && <Status value="PAUSED" label={t`Owner deactivated`} />}
            <Button
              size="xs"
              variant="subtle"
              color="red"
              aria-label={t`Revoke ${token.name}`}
              onClick={ask}
            >{t`Revoke`}</Button>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

const lengths = [
  { value: "30", label: t`30 days` },
  { value: "90", label: t`90 days` },
  { value: "365", label: t`1 year` },
  { value: "", label: t`Never` },
];

function TokenForm(props: { services: { id: string; name: string }[]; done: (secret: string) => void }) {
  const { viewer } = useSession();
  const [{ fetching }, create] = useMutation(CreateDocument);
  const form = useForm({
    initialValues: { name: "", role: "MARKETER" as Role, scopes: ["READ"] as Scope[], days: "90", ownerId: viewer.id },
  });
  return (
    <form
      onSubmit={form.onSubmit(async ({ days, ownerId, ...v }) => {
        const expiresAt = days ? new Date(Date.now() + Number(days) * 86_400_000).toISOString() : null;
        const owner = ownerId === viewer.id ? {} : { ownerId };
        const result = await create({ input: { ...v, expiresAt, ...owner } });
        const errors = result.data?.apiTokenCreate.userErrors ?? [];
        if (errors.length) return form.setErrors(byField(errors, ["name", "role", "scopes", "ownerId"]).fields);
        if (settled(result)) props.done(result.data?.apiTokenCreate.secret ?? "");
      })}
    >
      <Stack>
        <TextInput label={t`Name`} description={t`What will use it`} {...form.getInputProps("name")} />
        <Select
          label={t`Owner`}
          description={t`It stops working when its owner is deactivated. A service account outlasts people.`}
          data={[
            { value: viewer.id, label: t`${viewer.name} (you)` },
            ...props.services.map((s) => ({ value: s.id, label: s.name })),
          ]}
          allowDeselect={false}
          {...form.getInputProps("ownerId")}
        />
        <Select label={t`Role`} data={roles} allowDeselect={false} {...form.getInputProps("role")} />
        <Checkbox.Group label={t`What it is for`} {...form.getInputProps("scopes")}>
          <SimpleGrid cols={{ base: 1, xs: 2 }} mt="xs" spacing="xs">
            {scopes.map((s) => (
              <Checkbox key={s.value} value={s.value} label={s.label} description={s.description} />
            ))}
          </SimpleGrid>
        </Checkbox.Group>
        <Select label={t`Expires in`} data={lengths} allowDeselect={false} {...form.getInputProps("days")} />
        <Group justify="flex-end">
          <Button type="submit" loading={fetching}>{t`Create`}</Button>
        </Group>
      </Stack>
    </form>
  );
}

function ServiceForm(props: { done: () => void }) {
  const [{ fetching }, create] = useMutation(ServiceDocument);
  const form = useForm({ initialValues: { name: "", role: "MARKETER" as Role } });
  return (
    <form
      onSubmit={form.onSubmit(async (v) => {
        const result = await create({ input: v });
        const errors = result.data?.serviceAccountCreate.userErrors ?? [];
        if (errors.length) return form.setErrors(byField(errors, ["name", "role"]).fields);
        if (settled(result)) props.done();
      })}
    >
      <Stack>
        <Text size="sm">{t`A service account owns API tokens. It never signs in, and it outlasts the people who made it.`}</Text>
        <TextInput label={t`Name`} description={t`Such as “Shop sync”`} {...form.getInputProps("name")} />
        <Select
          label={t`Role`}
          description={t`The most that its tokens may do`}
          data={roles}
          allowDeselect={false}
          {...form.getInputProps("role")}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={fetching}>{t`Create`}</Button>
        </Group>
      </Stack>
    </form>
  );
}
