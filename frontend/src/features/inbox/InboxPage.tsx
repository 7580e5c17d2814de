import { t } from "@lingui/core/macro";
import "./inbox.css";
import { ActionIcon, Center, Stack, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconBell, IconBellRinging, IconInbox } from "@tabler/icons-react";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import { useSession } from "../../app/session";
import { useAddress } from "../../lib/address";
import { useNotices } from "../../lib/notices";
import { notifications } from "../../lib/notifications";
import { useShortcuts } from "../../lib/shortcuts";
import { setPageTitle } from "../../lib/title";
import { ContactCard } from "./ContactCard";
import { ConversationList, listOf } from "./ConversationList";
import { Thread } from "./Thread";
import { neighbour } from "./thread";

/** All conversations, the one that is read, and who it is with. */
export function InboxPage() {
  const { id } = useParams({ strict: false }) as { id?: string };
  const { search, change } = useAddress();
  const navigate = useNavigate();
  const { viewer } = useSession();
  const ids = useRef<string[]>([]);
  const wide = useMediaQuery("(min-width: 82.01em)", false, { getInitialValueInEffect: false });
  // The card shows where there is room for it, unless somebody has said otherwise.
  const [wanted, setWanted] = useState<boolean | null>(null);
  const card = wanted ?? wide;
  useEffect(() => setPageTitle(t`Inbox`), []);
  // Over another conversation the card would be in the way.
  useEffect(() => {
    if (!wide) setWanted(null);
  }, [id, wide]);

  const onRows = useCallback((rows: string[]) => {
    ids.current = rows;
  }, []);
  const step = (by: 1 | -1) => {
    const next = neighbour(ids.current, id, by);
    if (!next) return;
    navigate({ to: "/inbox/$id", params: { id: next }, search: listOf, resetScroll: false });
    document.getElementById(`row-${next}`)?.scrollIntoView({ block: "nearest" });
  };
  useShortcuts(t`Inbox`, [
    { keys: "j", label: t`Next conversation`, run: () => step(1) },
    { keys: "k", label: t`Previous conversation`, run: () => step(-1) },
    { keys: "ArrowDown", label: t`Next conversation`, run: () => step(1) },
    { keys: "ArrowUp", label: t`Previous conversation`, run: () => step(-1) },
  ]);
  const pane = !id ? "list" : card && !wide ? "card" : "thread";
  return (
    <div className="inbox" data-pane={pane} data-card={id && card ? "shown" : undefined}>
      <ConversationList
        reading={id}
        search={search}
        me={viewer.id}
        change={change}
        onRows={onRows}
        actions={<NoticesSwitch />}
      />
      {id ? (
        <Thread key={id} id={id} write={search.step === "write"} card={card} onCard={() => setWanted(!card)} />
      ) : (
        <section className="inbox-pane inbox-thread" aria-label={t`Conversation`}>
          <Center h="100%" p="xl">
            <Stack align="center" gap={4} maw={360}>
              <IconInbox size={44} stroke={1.2} aria-hidden />
              <Text fw={600} mt="sm">{t`Choose a conversation`}</Text>
              <Text
                size="sm"
                c="dimmed"
                ta="center"
              >{t`You can reply freely for 24 hours after a contact’s last message. After that, send an approved template.`}</Text>
            </Stack>
          </Center>
        </section>
      )}
      {id && card && <ContactCard key={`card-${id}`} conversation={id} onClose={() => setWanted(false)} />}
    </div>
  );
}

/** Notifications of new messages in this browser, on and off. */
function NoticesSwitch() {
  const [on, turn] = useNotices();
  const toggle = async () => {
    if (on === (await turn(!on)))
      notifications.show({
        color: "red",
        message: t`This browser shows no notifications for this page: allow them in its settings.`,
      });
  };
  return (
    <ActionIcon
      data-hint={on ? t`Notifications are on` : t`Notify me of messages to me and to nobody`}
      variant={on ? "light" : "subtle"}
      color="gray"
      aria-label={t`Notifications`}
      aria-pressed={on}
      onClick={toggle}
    >
      {on ? <IconBellRinging size={17} /> : <IconBell size={17} />}
    </ActionIcon>
  );
}
