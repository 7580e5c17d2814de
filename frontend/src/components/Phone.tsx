import { t } from "@lingui/core/macro";
import { IconChevronLeft, IconDotsVertical, IconMicrophone, IconMoodSmile } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./Phone.module.css";

/** A phone with a chat from a business, as the recipient sees it. */
export function Phone(props: { from: string; children: ReactNode }) {
  return (
    <figure className={classes.phone} aria-label={t`Preview on a phone`}>
      <div className={classes.head} aria-hidden>
        <IconChevronLeft size={20} />
        <span className={classes.avatar}>{props.from.trim().charAt(0).toUpperCase() || "B"}</span>
        <span className={classes.name}>{props.from}</span>
        <IconDotsVertical size={18} />
      </div>
      <div className={classes.chat}>
        <span className={classes.day} aria-hidden>{t`Today`}</span>
        {props.children}
      </div>
      <div className={classes.foot} aria-hidden>
        <span>
          <IconMoodSmile size={19} /> {t`Message`}
        </span>
        <b>
          <IconMicrophone size={18} />
        </b>
      </div>
    </figure>
  );
}
