import "./inbox.css";
import { ActionIcon, Center, Kbd, Modal, Stack, Table, Text, Tooltip } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { IconInbox, IconKeyboard } from "@tabler/icons-react";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Search } from "../../app/router";
import { useSession } from "../../app/session";
import { setPageTitle } from "../../lib/title";
import { useCommands } from "./actions";
import { ContactCard } from "./ContactCard";
import { ConversationList } from "./ConversationList";
import { shortcuts } from "./keys";
import { Thread } from "./Thread";
import { neighbour } from "./thread";

/** All conversations, the one that is read, and who it is with. */
export function InboxPage() {
  const { id } = useParams({ strict: false }) as { id?: string };
  const search = useSearch({ from: "__root__" });
  const navigate = useNavigate();
  const { viewer } = useSession();
  const [help, { open: showHelp, close: hideHelp }] = useDisclosure();
  const ids = useRef<string[]>([]);
  const searchField = useRef<HTMLInputElement>(null);
  const wide = useMediaQuery("(min-width: 82.01em)", false, { getInitialValueInEffect: false });
  // The card shows where there is room for it, unless somebody has said otherwise.
  const [wanted, setWanted] = useState<boolean | null>(null);
  const card = wanted ?? wide;
  useEffect(() => setPageTitle("Inbox"), []);
  // Over another conversation the card would be in the way.
  useEffect(() => {
    if (!wide) setWanted(null);
  }, [id, wide]);

  const go = (next: Partial<Search>) =>
    navigate({ to: id ? "/inbox/$id" : "/inbox", params: { id: id ?? "" }, search: { ...search, ...next } });
  const onRows = useCallback((rows: string[]) => {
    ids.current = rows;
  }, []);
  const step = (by: 1 | -1) => {
    const next = neighbour(ids.current, id, by);
    if (!next) return;
    navigate({ to: "/inbox/$id", params: { id: next }, search: { ...search, step: undefined }, resetScroll: false });
    document.getElementById(`row-${next}`)?.scrollIntoView({ block: "nearest" });
  };
  useCommands({
    next: () => step(1),
    previous: () => step(-1),
    search: () => searchField.current?.select(),
    shortcuts: showHelp,
  });
  const pane = !id ? "list" : card && !wide ? "card" : "thread";
  return (
    <div className="inbox" data-pane={pane} data-card={id && card ? "shown" : undefined}>
      <ConversationList
        reading={id}
        search={search}
        me={viewer.id}
        go={go}
        searchField={searchField}
        onRows={onRows}
        actions={
          <Tooltip label="Keyboard shortcuts (?)">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label="Keyboard shortcuts"
              onClick={showHelp}
              visibleFrom="sm"
            >
              <IconKeyboard size={18} />
            </ActionIcon>
          </Tooltip>
        }
      />
      {id ? (
        <Thread key={id} id={id} write={search.step === "write"} card={card} onCard={() => setWanted(!card)} />
      ) : (
        <section className="inbox-pane inbox-thread" aria-label="Conversation">
          <Center h="100%" p="xl">
            <Stack align="center" gap={4} maw={360}>
              <IconInbox size={44} stroke={1.2} aria-hidden />
              <Text fw={600} mt="sm">
                Choose a conversation
              </Text>
              <Text size="sm" c="dimmed" ta="center">
                Replies go for 24 hours after their last message. After that, an approved template does.
              </Text>
            </Stack>
          </Center>
        </section>
      )}
      {id && card && <ContactCard key={`card-${id}`} conversation={id} onClose={() => setWanted(false)} />}
      <Modal opened={help} onClose={hideHelp} title="Keyboard shortcuts">
        <Table withRowBorders={false} verticalSpacing={6}>
          <Table.Tbody>
            {shortcuts.map(([keys, does]) => (
              <Table.Tr key={does}>
                <Table.Td w={130}>
                  {keys.map((k) => (
                    <Kbd key={k} mr={4}>
                      {k}
                    </Kbd>
                  ))}
                </Table.Td>
                <Table.Td>{does}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Modal>
    </div>
  );
}
