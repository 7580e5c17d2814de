import { Group, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** What is set, beside what it is. */
export function Line({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap" gap="lg">
      <Text size="sm" c="dimmed" miw="max-content">
        {label}
      </Text>
      <Text component="div" size="sm" ta="right" style={{ overflowWrap: "anywhere" }}>
        {children}
      </Text>
    </Group>
  );
}
