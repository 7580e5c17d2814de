/** A part of its own: see modals. */
export { ModalsProvider, modals } from "@mantine/modals";
