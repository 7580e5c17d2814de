import type { NotificationData } from "@mantine/notifications";
import { insist, later } from "./later";

/** The library, which App mounts as soon as it is there. */
export const library = later(() => import("./notifications.library"));

let count = 0;

/** Notices at the edge of the page, in the order in which they are shown. */
export const notifications = {
  /** Shows one and gives its id. */
  show(notice: NotificationData): string {
    count++;
    const id = notice.id ?? `notice-${count}`;
    insist(library, (there) => there.notifications.show({ ...notice, id }));
    return id;
  },
  hide(id: string) {
    insist(library, (there) => there.notifications.hide(id));
  },
};
