import { t } from "@lingui/core/macro";
import { Badge, Card, Group, Stack, Text, Title } from "@mantine/core";
import { graphql } from "../../gql";
import type { AddressKind, AddressSource, ContactAddressesFragment } from "../../gql/graphql";
import { moment } from "../../lib/format";

graphql(`
  fragment ContactAddresses on Contact {
    addresses {
      address
      kind
      source
      preferred
      firstSeenAt
      lastSeenAt
    }
  }
`);

const kinds: Record<AddressKind, string> = {
  PHONE: t`Number`,
  BSUID: t`WhatsApp ID`,
  PARENT_BSUID: t`Parent ID`,
};
const sources: Record<AddressSource, string> = {
  MESSAGE: t`from a message of theirs`,
  RECEIPT: t`from a receipt`,
  IMPORT: t`by import`,
  OTHER: t`entered`,
};

/** All addresses by which WhatsApp knows a contact, the one that is written to first. */
export function ContactAddresses(props: { contact: ContactAddressesFragment }) {
  const { addresses } = props.contact;
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`Addresses`}</Title>
      <Stack gap="sm" component="ul" p={0} m={0} style={{ listStyle: "none" }} aria-label={t`Addresses`}>
        {addresses.map((a) => (
          <li key={a.address}>
            <Group gap="xs">
              <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                {a.address}
              </Text>
              <Badge variant="default" tt="none">
                {kinds[a.kind]}
              </Badge>
              {a.preferred && <Badge variant="light" tt="none">{t`Written to`}</Badge>}
            </Group>
            <Text size="xs" c="dimmed">
              {t`Known since ${moment(a.firstSeenAt)}, ${sources[a.source]}`}
              {a.lastSeenAt ? ` · ${t`last seen ${moment(a.lastSeenAt)}`}` : ""}
            </Text>
          </li>
        ))}
      </Stack>
      {addresses.length > 0 && !addresses.some((a) => a.kind === "PHONE") && (
        <Text
          size="sm"
          c="dimmed"
          mt="sm"
        >{t`WhatsApp does not show this person's number. You can write to them by their id; authentication templates need a number.`}</Text>
      )}
    </Card>
  );
}
