import { t } from "@lingui/core/macro";
import { Button, Code, CopyButton, Group, Stack, Text } from "@mantine/core";
import { Section } from "./Section";

/** A text to take along, below the button that copies it; whatever the width, all of it can be read. */
function Copied(props: { label: string; value: string }) {
  return (
    <div>
      <Group justify="space-between" gap="xs" mb={4} wrap="nowrap">
        <Text size="sm" fw={550}>
          {props.label}
        </Text>
        <CopyButton value={props.value}>
          {({ copied, copy }) => (
            <Button
              size="compact-sm"
              variant="default"
              flex="none"
              aria-label={copied ? t`Copied` : t`Copy: ${props.label}`}
              onClick={copy}
            >
              {copied ? t`Copied` : t`Copy`}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Code
        block
        bg="light-dark(var(--mantine-color-gray-0), var(--mantine-color-dark-8))"
        style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
      >
        {props.value}
      </Code>
    </div>
  );
}

/** Where the API is, and a first call. */
export function CallTheApi() {
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
    >
      <Stack>
        <Copied label={t`Address`} value={address} />
        <Copied label={t`A first call: how many contacts there are`} value={call} />
      </Stack>
    </Section>
  );
}
