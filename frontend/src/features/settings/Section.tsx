import { Box, Card, Group, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A section of the page: what it is for stands below its name. */
export function Section(props: { title: string; description: ReactNode; action?: ReactNode; children: ReactNode }) {
  return (
    <Card component="section" aria-label={props.title}>
      <Group justify="space-between" align="flex-start" mb="md" gap="xs">
        <Box miw={0} flex="1 1 240px">
          <Title order={2} size="h4">
            {props.title}
          </Title>
          <Text size="sm" c="dimmed">
            {props.description}
          </Text>
        </Box>
        {props.action}
      </Group>
      {props.children}
    </Card>
  );
}
