import { t } from "@lingui/core/macro";
import { Button, Group, Stack, TextInput } from "@mantine/core";
import { IconClockPause, IconUserPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useQuery } from "urql";
import { useSession } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { DropdownMenu } from "../../components/Dropdown";
import { Initials } from "../../components/Person";
import { graphql } from "../../gql";
import { localInput, moment, momentOf, noMoment } from "../../lib/format";
import { snoozes } from "./thread";

const AssigneesDocument = graphql(`
  query Assignees {
    assignees {
      id
      name
    }
  }
`);

/** Who takes care of a conversation, in words. */
export const assignedTo = (assignee: { id: string; name: string } | null, me: string) =>
  !assignee ? t`Unassigned` : assignee.id === me ? t`Assigned to you` : t`Assigned to ${assignee.name}`;

/** Who takes care of a conversation, and who else may. */
export function AssignMenu(props: {
  assignee: { id: string; name: string } | null;
  onAssign: (id: string | null) => void;
}) {
  const { viewer } = useSession();
  const [opened, setOpened] = useState(false);
  const [{ data }] = useQuery({ query: AssigneesDocument, pause: !opened, requestPolicy: "cache-and-network" });
  const { assignee } = props;
  const others = data?.assignees.filter((o) => o.id !== viewer.id && o.id !== assignee?.id) ?? [];
  return (
    <DropdownMenu
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      dropdown={{ mah: 340, style: { overflowY: "auto" } }}
      target={
        <Button size="xs" variant="default" aria-label={assignedTo(assignee, viewer.id)} px={9}>
          {assignee ? <Initials name={assignee.name} size={22} /> : <IconUserPlus size={16} />}
          <bdi className="inbox-word">
            {!assignee ? t`Unassigned` : assignee.id === viewer.id ? t`You` : assignee.name}
          </bdi>
        </Button>
      }
    >
      {(Menu) => (
        <>
          {assignee?.id !== viewer.id && (
            <Menu.Item onClick={() => props.onAssign(viewer.id)}>{t`Assign to me`}</Menu.Item>
          )}
          {assignee && (
            <Menu.Item onClick={() => props.onAssign(null)}>
              {assignee.id === viewer.id ? t`Unassign` : t`Take it from ${assignee.name}`}
            </Menu.Item>
          )}
          {others.length > 0 && <Menu.Label>{t`Colleagues`}</Menu.Label>}
          {others.map((o) => (
            <Menu.Item key={o.id} onClick={() => props.onAssign(o.id)}>
              {o.name}
            </Menu.Item>
          ))}
        </>
      )}
    </DropdownMenu>
  );
}

/** Puts a conversation away until a moment. */
export function SnoozeMenu(props: { onSnooze: (until: Date) => void }) {
  const [choosing, setChoosing] = useState(false);
  const [at, setAt] = useState("");
  const [wrong, setWrong] = useState("");
  const choose = () => {
    const until = momentOf(at);
    if (!until) return setWrong(noMoment(at));
    if (Date.parse(until) <= Date.now()) return setWrong(t`Choose a moment to come.`);
    props.onSnooze(new Date(until));
    setChoosing(false);
  };
  return (
    <>
      <DropdownMenu
        position="bottom-end"
        target={
          <Button size="xs" variant="default" aria-label={t`Snooze`} px={9}>
            <IconClockPause size={16} />
            <span className="inbox-word">{t`Snooze`}</span>
          </Button>
        }
      >
        {(Menu) => (
          <>
            {snoozes(new Date()).map((s) => (
              <Menu.Item key={s.label} onClick={() => props.onSnooze(s.at)}>
                {s.label}
                <span style={{ marginInlineStart: 12, color: "var(--mantine-color-dimmed)" }}>
                  {moment(s.at.toISOString())}
                </span>
              </Menu.Item>
            ))}
            <Menu.Divider />
            <Menu.Item
              onClick={() => {
                setAt(localInput(new Date(Date.now() + 24 * 3_600_000)));
                setWrong("");
                setChoosing(true);
              }}
            >{t`Choose a day and time…`}</Menu.Item>
          </>
        )}
      </DropdownMenu>
      <Dialog opened={choosing} onClose={() => setChoosing(false)} title={t`Snooze until`}>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            choose();
          }}
        >
          <Stack>
            <TextInput
              type="datetime-local"
              label={t`Day and time`}
              description={t`It opens by itself then, and at once when they write before.`}
              value={at}
              error={wrong}
              onChange={(e) => {
                setAt(e.currentTarget.value);
                setWrong("");
              }}
              data-autofocus
            />
            <Group justify="flex-end">
              <Button type="submit">{t`Snooze`}</Button>
            </Group>
          </Stack>
        </form>
      </Dialog>
    </>
  );
}
