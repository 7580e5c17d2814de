/** A part of their own: see Dialog. */
export { Drawer, Modal } from "@mantine/core";
