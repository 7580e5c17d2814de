import { t } from "@lingui/core/macro";
import { Badge } from "@mantine/core";
import { useEffect } from "react";
import { useSubscription } from "urql";
import { graphql } from "../gql";
import { countedTo, mostUnread } from "../lib/format";
import { setUnreadTitle } from "../lib/title";

const UnreadDocument = graphql(`
  subscription InboxUnread {
    inboxCountsChanged {
      unread
    }
  }
`);

/** How many conversations wait: beside the inbox in the navigation, and in the browser's tab. */
export function Unread() {
  const [{ data }] = useSubscription({ query: UnreadDocument });
  const unread = data?.inboxCountsChanged.unread ?? 0;
  const text = unread > 0 ? countedTo(unread, mostUnread) : "";
  useEffect(() => {
    setUnreadTitle(text);
    return () => setUnreadTitle("");
  }, [text]);
  if (!text) return null;
  return (
    <Badge size="sm" circle={text.length < 2} aria-label={t`${text} unread`}>
      {text}
    </Badge>
  );
}
