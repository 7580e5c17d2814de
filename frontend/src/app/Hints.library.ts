/** A part of its own: see Hints. */
export { Tooltip } from "@mantine/core";
