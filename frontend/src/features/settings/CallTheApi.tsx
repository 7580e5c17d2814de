import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Button, Code, CopyButton, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { LinkButton, Rows, scrollable } from "../../components/ui";
import { When } from "../../components/When";
import { graphql } from "../../gql";
import { Section } from "./Section";

/** A text to take along, with the button that copies it. */
function Copied(props: { label: string; value: string }) {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Code
        block
        flex={1}
        miw={0}
        bg="light-dark(var(--mantine-color-gray-0), var(--mantine-color-dark-8))"
        style={{ whiteSpace: "pre", overflowX: "auto" }}
        {...scrollable(props.label)}
      >
        {props.value}
      </Code>
      <CopyButton value={props.value}>
        {({ copied, copy }) => (
          <Button size="xs" variant="default" aria-label={copied ? t`Copied` : t`Copy: ${props.label}`} onClick={copy}>
            {copied ? t`Copied` : t`Copy`}
          </Button>
        )}
      </CopyButton>
    </Group>
  );
}

/** Where the API is, a first call, and the tokens that let programs in. */
export function CallTheApi() {
  const admin = useMay("ADMIN");
  const address = `${window.location.origin}/graphql`;
  const call = [
    `curl ${address} \\`,
    `  -H "Authorization: Bearer $TOKEN" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '{"query": "{ contactCount(query: {all: []}) }"}'`,
  ].join("\n");
  return (
    <Section
      title={t`Call the API`}
      description={t`Everything that these pages do, programs can do too: in GraphQL, with a token.`}
      action={
        <Button component="a" href="/playground" variant="default" size="xs">
          {t`Playground`}
        </Button>
      }
    >
      <Stack>
        <div>
          <Text size="sm" fw={550} mb={4}>{t`Address`}</Text>
          <Copied label={t`Address`} value={address} />
        </div>
        <div>
          <Text size="sm" fw={550} mb={4}>{t`A first call: how many contacts there are`}</Text>
          <Copied label={t`A first call`} value={call} />
        </div>
        <div>
          <Text size="sm" fw={550} mb={4}>{t`Tokens`}</Text>
          {admin ? <Tokens /> : <Text size="sm" c="dimmed">{t`An admin makes them.`}</Text>}
        </div>
      </Stack>
    </Section>
  );
}

const TokenStatesDocument = graphql(`
  query TokenStates {
    apiTokens {
      id
      name
      prefix
      expiresAt
      revokedAt
      lastUsedAt
    }
  }
`);
const mostTokens = 3;

/** The tokens that open the API now, the last used first. */
function Tokens() {
  const [{ data, error }, load] = useQuery({ query: TokenStatesDocument, requestPolicy: "cache-and-network" });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={1} />;
  const valid = data.apiTokens
    .filter((k) => !k.revokedAt && !(k.expiresAt && new Date(k.expiresAt) < new Date()))
    .toSorted((a, b) => Date.parse(b.lastUsedAt ?? "1970") - Date.parse(a.lastUsedAt ?? "1970"));
  return (
    <Stack gap={6}>
      {valid.length === 0 && <Text size="sm" c="dimmed">{t`There is none yet.`}</Text>}
      {valid.slice(0, mostTokens).map((k) => (
        <Group key={k.id} justify="space-between" gap="xs">
          <Text size="sm" style={{ overflowWrap: "anywhere" }} miw={0}>
            {k.name} <Code>{k.prefix}…</Code>
          </Text>
          <Text size="sm" c="dimmed">
            {k.lastUsedAt ? <UsedAt at={k.lastUsedAt} /> : t`not used yet`}
          </Text>
        </Group>
      ))}
      <Group>
        <LinkButton to="/settings/api" size="xs" variant="default">
          {valid.length === 0 ? t`New token` : t`Manage tokens`}
        </LinkButton>
      </Group>
    </Stack>
  );
}

function UsedAt({ at }: { at: string }) {
  const when = <When at={at} />;
  return <Trans>used {when}</Trans>;
}
