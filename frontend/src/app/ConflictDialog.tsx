import { t } from "@lingui/core/macro";
import { Button, Group, Stack, Text } from "@mantine/core";
import { sentence } from "../lib/format";
import { modals } from "../lib/modals";

/** Asks what becomes of what somebody has typed; the message says who has changed the thing. */
export function askWhatWins(message: string): Promise<"overwrite" | "discard" | "edit"> {
  return new Promise((resolve) => {
    let choice: "overwrite" | "discard" | "edit" = "edit";
    const choose = (made: typeof choice) => {
      choice = made;
      modals.close(id);
    };
    const id = modals.open({
      title: t`Somebody else has changed this`,
      size: "lg",
      children: (
        <Stack>
          <Text size="sm">{`${sentence(message)} ${t`What you see here is older than that.`}`}</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={() => choose("edit")} data-autofocus>{t`Keep editing`}</Button>
            <Button variant="default" onClick={() => choose("discard")}>{t`Discard mine and reload`}</Button>
            <Button color="red" onClick={() => choose("overwrite")}>{t`Save mine over it`}</Button>
          </Group>
        </Stack>
      ),
      onClose: () => resolve(choice),
    });
  });
}
