import type { NotificationData } from "@mantine/notifications";
import { later } from "./later";

/** The library, which App mounts as soon as it is there. */
export const library = later(() => import("./notifications.library"));

let count = 0;

/** Notices at the edge of the page, in the order in which they are shown. */
export const notifications = {
  /** Shows one and gives its id. */
  show(notice: NotificationData): string {
    count++;
    const id = notice.id ?? `notice-${count}`;
    void library.get().then((there) => there.notifications.show({ ...notice, id }));
    return id;
  },
  hide(id: string) {
    void library.get().then((there) => there.notifications.hide(id));
  },
};
