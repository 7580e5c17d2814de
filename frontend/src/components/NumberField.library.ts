/** A part of its own: see NumberField. */
export { NumberInput } from "@mantine/core";
