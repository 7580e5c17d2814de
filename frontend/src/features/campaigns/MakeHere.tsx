import { t } from "@lingui/core/macro";
import { Button, Group } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { type ComponentType, lazy, Suspense, useState } from "react";
import { SideDialog } from "../../components/Dialog";
import { Rows } from "../../components/ui";

type Form = ComponentType<{ name?: string; onSaved: (id: string) => void }>;

const NewSegment = lazy(async () => ({ default: (await import("../segments/SegmentPage")).NewSegment }));
const NewTemplate = lazy(async () => ({ default: (await import("../templates/TemplatePage")).NewTemplate }));

/** Makes something without leaving the campaign that it is for. */
function MakeHere(props: { title: string; size: number; form: Form; name?: string; onMade: (id: string) => void }) {
  const [opened, setOpened] = useState(false);
  const { title, size, form: NewThing } = props;
  return (
    <>
      <Group>
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} />} onClick={() => setOpened(true)}>
          {title}
        </Button>
      </Group>
      <SideDialog opened={opened} onClose={() => setOpened(false)} title={title} position="right" size={size}>
        <Suspense fallback={<Rows />}>
          <NewThing
            name={props.name}
            onSaved={(id) => {
              setOpened(false);
              props.onMade(id);
            }}
          />
        </Suspense>
      </SideDialog>
    </>
  );
}

type Made = { onMade: (id: string) => void };

export const SegmentDrawer = ({ onMade }: Made) => (
  <MakeHere title={t`New segment`} size={860} form={NewSegment} onMade={onMade} />
);

/** The template is named after the campaign, as long as nobody gives it another name. */
export const TemplateDrawer = ({ onMade, campaign }: Made & { campaign: string }) => (
  <MakeHere title={t`New template`} size={1080} form={NewTemplate} name={campaign} onMade={onMade} />
);
