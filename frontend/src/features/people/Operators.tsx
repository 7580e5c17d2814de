import { t } from "@lingui/core/macro";
import { Alert, Button, Card, Group, Select, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useSession } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { DropdownMenu } from "../../components/Dropdown";
import { Failed } from "../../components/Failed";
import { Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { OperatorsQuery, Role } from "../../gql/graphql";
import { byField, settled } from "../../lib/errors";
import { moment, words } from "../../lib/format";
import { modals } from "../../lib/modals";
import { CopyOnce } from "./CopyOnce";
import { mayOf, roles } from "./roles";

const OperatorsDocument = graphql(`
  query Operators {
    operators {
      id
      revision
      kind
      name
      email
      role
      active
      provider
      invited
      lastSignInAt
    }
  }
`);
const InviteDocument = graphql(`
  mutation OperatorInvite($input: OperatorInviteInput!) {
    operatorInvite(input: $input) {
      operator {
        id
      }
      link
      userErrors {
        field
        message
      }
    }
  }
`);
const UpdateDocument = graphql(`
  mutation OperatorUpdate($input: OperatorUpdateInput!) {
    operatorUpdate(input: $input) {
      operator {
        id
        revision
        name
        role
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const DeactivateDocument = graphql(`
  mutation OperatorDeactivate($input: OperatorDeactivateInput!) {
    operatorDeactivate(input: $input) {
      operator {
        id
        active
      }
      userErrors {
        message
      }
    }
  }
`);
const ReactivateDocument = graphql(`
  mutation OperatorReactivate($input: OperatorReactivateInput!) {
    operatorReactivate(input: $input) {
      operator {
        id
        active
      }
      userErrors {
        message
      }
    }
  }
`);
const LinkDocument = graphql(`
  mutation OperatorPasswordLink($input: OperatorPasswordLinkInput!) {
    operatorPasswordLink(input: $input) {
      operator {
        id
      }
      link
      userErrors {
        message
      }
    }
  }
`);

const UnlinkDocument = graphql(`
  mutation OperatorProviderUnlink($input: OperatorProviderUnlinkInput!) {
    operatorProviderUnlink(input: $input) {
      operator {
        id
        provider
      }
      userErrors {
        message
      }
    }
  }
`);

const FactorResetDocument = graphql(`
  mutation OperatorSecondFactorReset($input: OperatorSecondFactorResetInput!) {
    operatorSecondFactorReset(input: $input) {
      operator {
        id
      }
      userErrors {
        message
      }
    }
  }
`);

type Operator = OperatorsQuery["operators"][number];

/** Who signs in, with what an admin does about them. */
export function Operators() {
  const [{ data, error }, load] = useQuery({ query: OperatorsDocument });
  const [inviting, invite] = useDisclosure();
  const [link, setLink] = useState<{ name: string; link: string; invited: boolean } | null>(null);
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={3} />;
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">{t`Members`}</Title>
        <Button onClick={invite.open}>{t`Invite`}</Button>
      </Group>
      <Dialog opened={inviting} onClose={invite.close} title={t`Invite a member`}>
        <InviteForm
          done={(name, made) => {
            invite.close();
            if (made) setLink({ name, link: made, invited: true }); // none where all sign in at the provider
          }}
        />
      </Dialog>
      <Dialog
        opened={link !== null}
        onClose={() => setLink(null)}
        title={link?.invited ? t`Invitation` : t`Link for a new password`}
      >
        {link && (
          <CopyOnce value={link.link}>
            {link.invited
              ? t`Give this link to ${link.name} by a safe way. It works once, for seven days, and whoever opens it chooses the password.`
              : t`Give this link to ${link.name} by a safe way. It works once, for one day, and whoever opens it chooses the password.`}
          </CopyOnce>
        )}
      </Dialog>
      <Table className="cards">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t`Name`}</Table.Th>
            <Table.Th>{t`Role`}</Table.Th>
            <Table.Th>{t`Last sign-in`}</Table.Th>
            <Table.Th aria-label={t`Actions`} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.operators.map((o) => (
            <Row key={o.id} operator={o} onLink={(made) => setLink({ name: o.name, link: made, invited: o.invited })} />
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}

function InviteForm(props: { done: (name: string, link: string) => void }) {
  const [{ fetching }, invite] = useMutation(InviteDocument);
  const { provider } = useSession().setup;
  const form = useForm({ initialValues: { name: "", email: "", role: "MARKETER" as Role } });
  return (
    <form
      onSubmit={form.onSubmit(async (v) => {
        const result = await invite({ input: v });
        const errors = result.data?.operatorInvite.userErrors ?? [];
        if (errors.length) return form.setErrors(byField(errors, ["name", "email", "role"]).fields);
        if (settled(result)) props.done(v.name, result.data?.operatorInvite.link ?? "");
      })}
    >
      <Stack>
        <TextInput label={t`Name`} {...form.getInputProps("name")} />
        <TextInput label={t`Email address`} type="email" {...form.getInputProps("email")} />
        <Select label={t`Role`} data={roles} allowDeselect={false} {...form.getInputProps("role")} />
        <Text size="sm" c="dimmed">
          {provider?.only
            ? t`They sign in with ${provider.name}, by this email address. Their groups there decide their role.`
            : t`You get a link to pass on. They choose their own password.`}
        </Text>
        <Group justify="flex-end">
          <Button type="submit" loading={fetching}>{t`Invite`}</Button>
        </Group>
      </Stack>
    </form>
  );
}

function Row(props: { operator: Operator; onLink: (link: string) => void }) {
  const { viewer, setup } = useSession();
  const [changing, change] = useDisclosure();
  const [, deactivate] = useMutation(DeactivateDocument);
  const [, reactivate] = useMutation(ReactivateDocument);
  const [, makeLink] = useMutation(LinkDocument);
  const [, resetFactors] = useMutation(FactorResetDocument);
  const [, unlink] = useMutation(UnlinkDocument);
  const o = props.operator;
  const service = o.kind === "SERVICE";
  const input = { id: o.id };
  const hand = async () => {
    const result = await makeLink({ input });
    if (settled(result)) props.onLink(result.data?.operatorPasswordLink.link ?? "");
  };
  const dropFactors = () =>
    modals.openConfirmModal({
      title: t`Reset two-step sign-in of ${o.name}?`,
      children: (
        <Text size="sm">{t`Do this when they lost their phone and their recovery codes, and you know that it is really them. Their app, passkeys and recovery codes stop working, and they are signed out.`}</Text>
      ),
      labels: { confirm: t`Reset`, cancel: t`Keep` },
      confirmProps: { color: "red" },
      onConfirm: async () => settled(await resetFactors({ input })),
    });
  const forget = () =>
    modals.openConfirmModal({
      title: t`Unlink ${o.name}?`,
      children: (
        <Text size="sm">
          {t`Do this when they got another account at ${setup.provider?.name ?? t`the sign-in provider`}. They are signed out, and their next sign-in links them anew, by their email address.`}
        </Text>
      ),
      labels: { confirm: t`Unlink`, cancel: t`Keep` },
      confirmProps: { color: "red" },
      onConfirm: async () => settled(await unlink({ input })),
    });
  const shutOut = () =>
    modals.openConfirmModal({
      title: t`Deactivate ${o.name}?`,
      children: <Text size="sm">{t`Their sessions end at once, and their API tokens stop working.`}</Text>,
      labels: { confirm: t`Deactivate`, cancel: t`Keep` },
      confirmProps: { color: "red" },
      onConfirm: async () => settled(await deactivate({ input })),
    });
  return (
    <Table.Tr>
      <Table.Td data-label={t`Name`}>
        {o.name}
        <Text size="xs" c="dimmed">
          {service ? t`Service account` : o.email}
          {o.provider && ` · ${setup.provider?.name ?? t`provider`}`}
        </Text>
      </Table.Td>
      <Table.Td data-label={t`Role`}>
        {words(o.role ?? "")}
        {o.role && (
          <Text size="xs" c="dimmed">
            {mayOf[o.role]}
          </Text>
        )}
      </Table.Td>
      <Table.Td data-label={t`Last sign-in`}>
        {!o.active ? (
          <Status value="CANCELED" label={t`Deactivated`} />
        ) : o.invited ? (
          <Status value="PENDING" label={t`Invited`} />
        ) : (
          moment(o.lastSignInAt)
        )}
      </Table.Td>
      <Table.Td ta="right">
        {o.id !== viewer.id && (
          <DropdownMenu
            position="bottom-end"
            target={<Button size="xs" variant="subtle" aria-label={t`Change ${o.name}`}>{t`Change`}</Button>}
          >
            {(Menu) => (
              <>
                <Menu.Item onClick={change.open}>{t`Name and role…`}</Menu.Item>
                {o.provider && <Menu.Item onClick={forget}>{t`Unlink…`}</Menu.Item>}
                {o.active && !service && !setup.provider?.only && (
                  <Menu.Item onClick={hand}>{o.invited ? t`Invite again` : t`Reset password`}</Menu.Item>
                )}
                {o.active && !service && !o.invited && (
                  <Menu.Item onClick={dropFactors}>{t`Reset two-step sign-in…`}</Menu.Item>
                )}
                {o.active ? (
                  <Menu.Item color="red" onClick={shutOut}>{t`Deactivate…`}</Menu.Item>
                ) : (
                  <Menu.Item onClick={async () => settled(await reactivate({ input }))}>{t`Reactivate`}</Menu.Item>
                )}
              </>
            )}
          </DropdownMenu>
        )}
        <Dialog opened={changing} onClose={change.close} title={t`Change ${o.name}`}>
          <ChangeForm operator={o} done={change.close} />
        </Dialog>
      </Table.Td>
    </Table.Tr>
  );
}

function ChangeForm(props: { operator: Operator; done: () => void }) {
  const [{ fetching }, update] = useMutation(UpdateDocument);
  const [expectedVersion] = useState(props.operator.revision);
  const form = useForm({
    initialValues: { name: props.operator.name, role: props.operator.role ?? ("VIEWER" as Role) },
  });
  return (
    <form
      onSubmit={form.onSubmit(async (v) => {
        const result = await update({ input: { id: props.operator.id, ...v, expectedVersion } });
        const errors = result.data?.operatorUpdate.userErrors ?? [];
        const { fields, rest } = byField(errors, ["name", "role"]);
        if (errors.length) return form.setErrors(rest ? { ...fields, role: rest } : fields);
        if (settled(result)) props.done();
      })}
    >
      <Stack>
        <TextInput label={t`Name`} {...form.getInputProps("name")} />
        <Select label={t`Role`} data={roles} allowDeselect={false} {...form.getInputProps("role")} />
        <Alert color="gray">{t`A new role holds at once, also for their API tokens.`}</Alert>
        <Group justify="flex-end">
          <Button type="submit" loading={fetching}>{t`Save`}</Button>
        </Group>
      </Stack>
    </form>
  );
}
