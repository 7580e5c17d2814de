import { t } from "@lingui/core/macro";
import { Avatar, Box, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** Whether somebody was erased, which their address tells. */
export const isErased = (c: { displayAddress: string }) => c.displayAddress.startsWith("erased:");

/** What somebody is called, everywhere: their name, else their number. */
export const nameOf = (c: { name: string; displayAddress: string }) =>
  isErased(c) ? t`Erased contact` : c.name || c.displayAddress;

/** Their number, for the line beside the name; nothing where the name is the number already. */
export const numberOf = (c: { name: string; displayAddress: string }) =>
  c.name && !isErased(c) ? c.displayAddress : "";

const colors = ["brand", "blue", "grape", "yellow", "gray", "red"];

/** Initials, in a quiet colour that stays with the name. */
export function Initials(props: { name: string; size?: number }) {
  const letters = props.name
    .split(/\s+/)
    .map((part) => part.match(/\p{L}/u)?.[0] ?? "")
    .join("");
  const sum = [...props.name].reduce((n, c) => (n * 31 + (c.codePointAt(0) ?? 0)) % 997, 7);
  return (
    <Avatar
      size={props.size ?? 28}
      radius="xl"
      variant="light"
      color={letters ? colors[sum % colors.length] : "gray"}
      aria-hidden
      styles={{ placeholder: { fontSize: (props.size ?? 28) * 0.39, fontWeight: 600 } }}
    >
      {letters ? letters.charAt(0) + (letters.length > 1 ? letters.charAt(letters.length - 1) : "") : undefined}
    </Avatar>
  );
}

/** Somebody in a list: initials, name, and what stands below it. */
export function Person(props: { name: string; children: ReactNode; below?: ReactNode }) {
  return (
    // In a table a name that is cut needs no room for all of it: the other columns have it.
    <Group gap={10} wrap="nowrap" miw={0} maw={360}>
      <Initials name={props.name} />
      <Box miw={0}>
        {props.children}
        {props.below && (
          <Text size="xs" c="dimmed" truncate>
            {props.below}
          </Text>
        )}
      </Box>
    </Group>
  );
}
