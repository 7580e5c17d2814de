import { t } from "@lingui/core/macro";
import { Alert, Button, Code, CopyButton, Group, Stack } from "@mantine/core";
import type { ReactNode } from "react";

/** A secret that is shown this one time. */
export function CopyOnce(props: { value: string; children: ReactNode }) {
  return (
    <Stack>
      <Alert color="yellow">{props.children}</Alert>
      <Code block data-testid="secret" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
        {props.value}
      </Code>
      <Group justify="flex-end">
        <CopyButton value={props.value}>
          {({ copied, copy }) => (
            <Button onClick={copy} variant={copied ? "light" : "filled"}>
              {copied ? t`Copied` : t`Copy`}
            </Button>
          )}
        </CopyButton>
      </Group>
    </Stack>
  );
}
