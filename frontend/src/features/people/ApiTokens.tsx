import {
  Button,
  Card,
  Checkbox,
  Group,
  Modal,
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
import { modals } from "@mantine/modals";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useSession } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ApiTokensQuery, Role, Scope } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { moment, words } from "../../lib/format";
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
        <Title order={2} size="h4">
          API tokens
        </Title>
        <Group gap="xs">
          <Button variant="subtle" onClick={add.open}>
            New service account
          </Button>
          <Button
            variant="default"
            onClick={() => {
              setSecret("");
              make.open();
            }}
          >
            New token
          </Button>
        </Group>
      </Group>
      <Modal opened={making} onClose={make.close} title="New API token">
        {secret ? (
          <CopyOnce value={secret}>Copy it now: it is not shown again.</CopyOnce>
        ) : (
          <TokenForm services={services} done={setSecret} />
        )}
      </Modal>
      <Modal opened={adding} onClose={add.close} title="New service account">
        <ServiceForm done={add.close} />
      </Modal>
      {data.apiTokens.length === 0 ? (
        <Text size="sm" c="dimmed">
          None. Machines call the API with one: Authorization: Bearer …
        </Text>
      ) : (
        <Table className="cards">
          <Table.Tbody>
            {data.apiTokens.map((t) => (
              <Row key={t.id} token={t} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}

function Row(props: { token: Token }) {
  const t = props.token;
  const [, revoke] = useMutation(RevokeDocument);
  const ask = () =>
    modals.openConfirmModal({
      title: `Revoke “${t.name}”?`,
      children: <Text size="sm">Whatever uses it stops working at once, for good.</Text>,
      labels: { confirm: "Revoke", cancel: "Keep" },
      confirmProps: { color: "red" },
      onConfirm: async () => settled(await revoke({ input: { id: t.id } })),
    });
  return (
    <Table.Tr>
      <Table.Td data-label="Name">
        {t.name}
        <Text size="xs" c="dimmed">
          {t.prefix}… · {t.owner.name}
        </Text>
      </Table.Td>
      <Table.Td data-label="May">
        {words(t.role)}
        <Text size="xs" c="dimmed">
          {t.scopes.length === scopes.length
            ? "everything the role may do"
            : scopes
                .filter((s) => t.scopes.includes(s.value))
                .map((s) => s.label.toLowerCase())
                .join(", ")}
        </Text>
      </Table.Td>
      <Table.Td data-label="Last used">
        {moment(t.lastUsedAt)}
        <Text size="xs" c="dimmed">
          {t.expiresAt ? `until ${moment(t.expiresAt)}` : "never expires"}
        </Text>
      </Table.Td>
      <Table.Td ta="right">
        {t.revokedAt ? (
          <Status value="CANCELED" label="Revoked" />
        ) : t.expiresAt && new Date(t.expiresAt) < new Date() ? (
          <Status value="CANCELED" label="Expired" />
        ) : (
          <Group gap="xs" justify="flex-end">
            {!t.owner.active && <Status value="PAUSED" label="Owner deactivated" />}
            <Button size="xs" variant="subtle" color="red" aria-label={`Revoke ${t.name}`} onClick={ask}>
              Revoke
            </Button>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

const lengths = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
  { value: "", label: "Never" },
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
        <TextInput label="Name" description="What will use it" {...form.getInputProps("name")} />
        <Select
          label="Owner"
          description="It stops working when its owner is deactivated. A service account outlasts people."
          data={[
            { value: viewer.id, label: `${viewer.name} (you)` },
            ...props.services.map((s) => ({ value: s.id, label: s.name })),
          ]}
          allowDeselect={false}
          {...form.getInputProps("ownerId")}
        />
        <Select label="Role" data={roles} allowDeselect={false} {...form.getInputProps("role")} />
        <Checkbox.Group label="What it is for" {...form.getInputProps("scopes")}>
          <SimpleGrid cols={{ base: 1, xs: 2 }} mt="xs" spacing="xs">
            {scopes.map((s) => (
              <Checkbox key={s.value} value={s.value} label={s.label} description={s.description} />
            ))}
          </SimpleGrid>
        </Checkbox.Group>
        <Select label="Expires in" data={lengths} allowDeselect={false} {...form.getInputProps("days")} />
        <Group justify="flex-end">
          <Button type="submit" loading={fetching}>
            Create
          </Button>
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
        <Text size="sm">
          A service account owns API tokens. It never signs in, and it outlasts the people who made it.
        </Text>
        <TextInput label="Name" description="Such as “Shop sync”" {...form.getInputProps("name")} />
        <Select
          label="Role"
          description="The most that its tokens may do"
          data={roles}
          allowDeselect={false}
          {...form.getInputProps("role")}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={fetching}>
            Create
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
