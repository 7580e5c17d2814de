import { t } from "@lingui/core/macro";
import { Badge, Button, Group } from "@mantine/core";
import { IconTag } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { useMay } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { graphql } from "../../gql";

const LabelForm = lazy(async () => ({ default: (await import("./LabelForm")).LabelForm }));

export const CampaignLabelsDocument = graphql(`
  query CampaignLabels {
    campaignLabels {
      name
      campaigns
    }
  }
`);

/** The labels of a campaign, quietly beside its name. */
export function LabelBadges({ labels }: { labels: readonly string[] }) {
  return labels.map((l) => (
    <Badge key={l} variant="default" size="sm" radius="sm" tt="none" fw={500} maw="100%">
      {l}
    </Badge>
  ));
}

/** A campaign's labels, and the way to change them. */
export function CampaignLabels(props: { id: string; labels: readonly string[] }) {
  const may = useMay("MARKETER");
  const [open, setOpen] = useState(false);
  if (!may && props.labels.length === 0) return null;
  return (
    <Group gap="xs">
      <LabelBadges labels={props.labels} />
      {may && (
        <Button size="compact-xs" variant="subtle" leftSection={<IconTag size={14} />} onClick={() => setOpen(true)}>
          {props.labels.length > 0 ? t`Change labels` : t`Add labels`}
        </Button>
      )}
      <Dialog opened={open} onClose={() => setOpen(false)} title={t`Labels`}>
        <Suspense>
          <LabelForm {...props} onDone={() => setOpen(false)} />
        </Suspense>
      </Dialog>
    </Group>
  );
}
