/** A part of its own: see notifications. */
import "@mantine/notifications/styles.css";

export { Notifications, notifications } from "@mantine/notifications";
