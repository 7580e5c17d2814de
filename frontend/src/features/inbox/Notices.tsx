import { plural, t } from "@lingui/core/macro";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useClient } from "urql";
import { pipe, subscribe } from "wonka";
import { useSession } from "../../app/session";
import { nameOf } from "../../components/Person";
import { graphql } from "../../gql";
import type { InboundNoticesSubscription } from "../../gql/graphql";
import { paced } from "../../lib/live";
import { contentName } from "./Content";
import { concerns } from "./thread";

const InboundDocument = graphql(`
  subscription InboundNotices {
    inboundMessages {
      id
      body
      content {
        kind
      }
      contact {
        id
        name
        displayAddress
        conversation {
          id
          status
          assignee {
            id
          }
        }
      }
    }
  }
`);

type Inbound = InboundNoticesSubscription["inboundMessages"];

/** Every so many milliseconds at most one burst of notifications is shown, of so many at most. */
const pause = 4000;
const most = 3;

/** Tells the browser of messages in conversations of one's own and of nobody's. */
export function Notices() {
  const client = useClient();
  const navigate = useNavigate();
  const { viewer } = useSession();
  const waiting = useRef(new Map<string, Inbound>());
  useEffect(() => {
    const show = (title: string, body: string, tag: string, to: () => void) => {
      const notice = new Notification(title, { body, tag, icon: "/icon.svg" });
      notice.onclick = () => {
        window.focus();
        notice.close();
        to();
      };
    };
    const calls = paced(() => {
      const all = [...waiting.current.values()];
      waiting.current.clear();
      if (all.length > most)
        show(
          t`Messages in ${plural(all.length, { one: "# conversation", other: "# conversations" })}`,
          "",
          "inbox",
          () => navigate({ to: "/inbox" }),
        );
      else
        for (const m of all) {
          const id = m.contact?.conversation?.id ?? "";
          const text = m.body || contentName(m.content?.kind);
          show(m.contact ? nameOf(m.contact) : t`New message`, text, id, () =>
            navigate({ to: "/inbox/$id", params: { id } }),
          );
        }
    }, pause);
    const { unsubscribe } = pipe(
      client.subscription(InboundDocument, {}),
      subscribe(({ data }) => {
        const talk = data?.inboundMessages.contact?.conversation;
        const seen = document.visibilityState === "visible" && location.pathname === `/inbox/${talk?.id}`;
        if (!data || !talk || seen || !concerns(talk, viewer.id)) return;
        waiting.current.set(talk.id, data.inboundMessages);
        calls.ask();
      }),
    );
    return () => {
      unsubscribe();
      calls.stop();
    };
  }, [client, navigate, viewer.id]);
  return null;
}
