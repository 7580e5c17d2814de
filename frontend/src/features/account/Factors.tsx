import { plural, t } from "@lingui/core/macro";
import { Alert, Button, Card, Table, Text, Title } from "@mantine/core";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { moment } from "../../lib/format";
import { modals } from "../../lib/modals";
import { passkeysWork } from "../../lib/passkeys";
import { CopyOnce } from "../people/CopyOnce";
import { AddApp, AddPasskey } from "./AddFactor";

const AccountDocument = graphql(`
  query Account {
    account {
      operator {
        id
      }
      totp
      recoveryCodesLeft
      secondFactorRequired
      passkeys {
        id
        name
        createdAt
        lastUsedAt
      }
    }
  }
`);
const DisableDocument = graphql(`
  mutation TotpDisable {
    totpDisable {
      userErrors {
        message
      }
    }
  }
`);
const RenewDocument = graphql(`
  mutation RecoveryCodesRenew {
    recoveryCodesRenew {
      recoveryCodes
      userErrors {
        message
      }
    }
  }
`);
const DeleteDocument = graphql(`
  mutation PasskeyDelete($input: PasskeyDeleteInput!) {
    passkeyDelete(input: $input) {
      userErrors {
        message
      }
    }
  }
`);

/** What one has beside the password. done hears when there is something new. */
export function Factors(props: { done?: () => void }) {
  const [{ data, error }, load] = useQuery({ query: AccountDocument });
  const [adding, setAdding] = useState<"app" | "passkey" | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [, disable] = useMutation(DisableDocument);
  const [, renew] = useMutation(RenewDocument);
  const [, drop] = useMutation(DeleteDocument);
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  const account = data?.account;
  if (!account) return <Rows n={4} />;
  const any = account.totp || account.passkeys.length > 0;
  const added = (made: string[] | null | undefined) => {
    setAdding(null);
    load({ requestPolicy: "network-only" });
    if (made?.length) setCodes(made);
    else props.done?.();
  };
  const ask = (title: string, text: string, confirm: string, onConfirm: () => void) =>
    modals.openConfirmModal({
      title,
      children: <Text size="sm">{text}</Text>,
      labels: { confirm, cancel: t`Keep` },
      confirmProps: { color: "red" },
      onConfirm,
    });
  return (
    <Card>
      <Title order={2} size="h4" mb={4}>{t`Sign-in security`}</Title>
      <Text size="sm" c="dimmed" mb="md">
        {any
          ? t`Your password alone is not enough to sign in.`
          : t`Add a second step, so that a stolen password is not enough.`}{" "}
        {account.secondFactorRequired && t`Your role asks for it.`}
      </Text>
      <Dialog opened={adding === "app"} onClose={() => setAdding(null)} title={t`Use an authenticator app`}>
        <AddApp done={added} />
      </Dialog>
      <Dialog opened={adding === "passkey"} onClose={() => setAdding(null)} title={t`Add a passkey`}>
        <AddPasskey done={added} />
      </Dialog>
      <Dialog
        opened={codes !== null}
        onClose={() => {
          setCodes(null);
          props.done?.();
        }}
        title={t`Recovery codes`}
      >
        {codes && (
          <CopyOnce
            value={codes.join("\n")}
          >{t`Keep these somewhere you can reach without your phone. Each signs you in once. They will not be shown again.`}</CopyOnce>
        )}
      </Dialog>
      <Table className="cards">
        <Table.Tbody>
          <Table.Tr>
            <Table.Td data-label={t`What`}>
              {t`Authenticator app`}
              <Text size="xs" c="dimmed">{t`Six digits that change every 30 seconds`}</Text>
            </Table.Td>
            <Table.Td>
              {account.totp && <Text size="sm" fw={550} style={{ whiteSpace: "nowrap" }}>{t`In use`}</Text>}
            </Table.Td>
            <Table.Td ta="right">
              {account.totp ? (
                <Button
                  size="xs"
                  variant="subtle"
                  color="red"
                  onClick={() =>
                    ask(t`Stop using the app?`, t`Its codes are no longer asked for.`, t`Stop`, async () =>
                      settled(await disable({})),
                    )
                  }
                >{t`Stop using it`}</Button>
              ) : (
                <Button size="xs" variant="default" onClick={() => setAdding("app")}>{t`Set up an app`}</Button>
              )}
            </Table.Td>
          </Table.Tr>
          {account.passkeys.map((k) => (
            <Table.Tr key={k.id}>
              <Table.Td data-label={t`What`}>
                {k.name}
                <Text size="xs" c="dimmed">{t`Passkey since ${moment(k.createdAt)}`}</Text>
              </Table.Td>
              <Table.Td data-label={t`Last used`}>{moment(k.lastUsedAt)}</Table.Td>
              <Table.Td ta="right">
                <Button
                  size="xs"
                  variant="subtle"
                  color="red"
                  aria-label={t`Delete ${k.name}`}
                  onClick={() =>
                    ask(t`Delete “${k.name}”?`, t`It no longer signs you in.`, t`Delete`, async () =>
                      settled(await drop({ input: { id: k.id } })),
                    )
                  }
                >{t`Delete`}</Button>
              </Table.Td>
            </Table.Tr>
          ))}
          <Table.Tr>
            <Table.Td data-label={t`What`}>
              {t`Passkeys`}
              <Text
                size="xs"
                c="dimmed"
              >{t`Sign in with your fingerprint, face or screen lock, without a password`}</Text>
            </Table.Td>
            <Table.Td />
            <Table.Td ta="right">
              <Button
                size="xs"
                variant="default"
                disabled={!passkeysWork()}
                title={passkeysWork() ? undefined : t`This browser has no passkeys, or the address is no name`}
                onClick={() => setAdding("passkey")}
              >{t`Add a passkey`}</Button>
            </Table.Td>
          </Table.Tr>
          {any && (
            <Table.Tr>
              <Table.Td data-label={t`What`}>
                {t`Recovery codes`}
                <Text size="xs" c="dimmed">
                  {plural(account.recoveryCodesLeft, {
                    one: "For when your phone is lost: # code left",
                    other: "For when your phone is lost: # codes left",
                  })}
                </Text>
              </Table.Td>
              <Table.Td />
              <Table.Td ta="right">
                <Button
                  size="xs"
                  variant="default"
                  onClick={async () => {
                    const result = await renew({});
                    if (settled(result)) setCodes(result.data?.recoveryCodesRenew.recoveryCodes ?? null);
                  }}
                >{t`New codes`}</Button>
              </Table.Td>
            </Table.Tr>
          )}
        </Table.Tbody>
      </Table>
      {any && account.recoveryCodesLeft < 3 && (
        <Alert color="yellow" mt="sm">{t`Few recovery codes are left. Make new ones.`}</Alert>
      )}
    </Card>
  );
}
