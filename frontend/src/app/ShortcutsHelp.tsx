import { t } from "@lingui/core/macro";
import { Group, Kbd, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { Fragment } from "react";
import { Dialog } from "../components/Dialog";
import { useBoundShortcuts } from "../lib/shortcuts";

/** "[Shift]+?" is the key "?", wherever it lies. */
const caps = (keys: string) => keys.split(" ").map((k) => k.replace("[Shift]+", "").replace("$mod+", "Ctrl "));

/** The keys that do something on the page behind it. */
export function ShortcutsHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const sections = useBoundShortcuts();
  return (
    <Dialog opened={opened} onClose={onClose} title={t`Keyboard shortcuts`} size="lg">
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xl">
        {sections.map((s) => (
          <Stack key={s.name} gap={6}>
            <Title order={3} size="h6">
              {s.name}
            </Title>
            {s.shortcuts.map((k) => (
              <Group key={k.keys} justify="space-between" wrap="nowrap">
                <Text size="sm">{k.label}</Text>
                <Group gap={4} wrap="nowrap">
                  {caps(k.keys).map((key, i) => (
                    <Fragment key={key}>
                      {i > 0 && <Text size="xs" c="dimmed">{t`then`}</Text>}
                      <Kbd>{key}</Kbd>
                    </Fragment>
                  ))}
                </Group>
              </Group>
            ))}
          </Stack>
        ))}
      </SimpleGrid>
    </Dialog>
  );
}
