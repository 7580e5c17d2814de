/** A part of its own: see Dropdown. */
export { Menu, Popover } from "@mantine/core";
