import { t } from "@lingui/core/macro";
import { Button, Drawer, Group } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { Rows } from "../../components/ui";

const NewSegment = lazy(async () => ({ default: (await import("../segments/SegmentPage")).NewSegment }));

/** Makes a segment without leaving the campaign that it is for. */
export function SegmentDrawer(props: { onMade: (id: string) => void }) {
  const [opened, setOpened] = useState(false);
  return (
    <>
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          onClick={() => setOpened(true)}
        >{t`New segment`}</Button>
      </Group>
      <Drawer opened={opened} onClose={() => setOpened(false)} title={t`New segment`} position="right" size={860}>
        <Suspense fallback={<Rows />}>
          <NewSegment
            onSaved={(id) => {
              setOpened(false);
              props.onMade(id);
            }}
          />
        </Suspense>
      </Drawer>
    </>
  );
}
