import { t } from "@lingui/core/macro";
import { Group, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconCheck, IconMinus, IconX } from "@tabler/icons-react";

type Question = { check: string; passed?: boolean | null; detail: string; rule?: string; until?: string };

/** The gate's questions with their answers; passed is null where a question was not asked. */
export function Questions(props: { of: readonly Question[] }) {
  return (
    <Stack gap="sm" component="ol" pl={0} m={0} style={{ listStyle: "none" }}>
      {props.of.map((q) => (
        <Group key={q.check} component="li" wrap="nowrap" align="flex-start" gap="sm">
          <ThemeIcon
            size="sm"
            radius="xl"
            mt={2}
            role="img"
            color={q.passed ? "brand" : q.passed === false ? "red" : "gray"}
            variant={q.passed == null ? "default" : "filled"}
            aria-label={q.passed ? t`Yes` : q.passed === false ? t`No` : t`Not asked`}
          >
            {q.passed ? <IconCheck size={13} /> : q.passed === false ? <IconX size={13} /> : <IconMinus size={13} />}
          </ThemeIcon>
          <div>
            <Text size="sm" fw={600}>
              {q.check}
            </Text>
            <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
              {q.detail}
              {q.until && ` ${t`Ends by itself: ${q.until}.`}`}
            </Text>
            {q.rule && (
              <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                {q.rule}
              </Text>
            )}
          </div>
        </Group>
      ))}
    </Stack>
  );
}
