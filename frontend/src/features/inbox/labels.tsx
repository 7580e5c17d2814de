import { t } from "@lingui/core/macro";
import { Badge, Button } from "@mantine/core";
import { IconTag } from "@tabler/icons-react";
import { lazy, Suspense } from "react";
import { DropdownPanel } from "../../components/Dropdown";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { LabelColor } from "../../gql/graphql";

const LabelChoice = lazy(async () => ({ default: (await import("./LabelChoice")).LabelChoice }));

export const LabelsDocument = graphql(`
  query Labels {
    labels {
      id
      revision
      name
      color
    }
  }
`);
export type Label = { id: string; name: string; color: LabelColor };

/** A label as it stands on a conversation. */
export function LabelBadge(props: { of: Label }) {
  const name = props.of.color.toLowerCase();
  return (
    <Badge
      size="sm"
      radius="sm"
      tt="none"
      fw={550}
      maw={140}
      style={{
        background: `light-dark(var(--mantine-color-${name}-1), color-mix(in srgb, var(--mantine-color-${name}-9), #000 45%))`,
        color: `light-dark(color-mix(in srgb, var(--mantine-color-${name}-9), #000 45%), var(--mantine-color-${name}-1))`,
      }}
    >
      {props.of.name}
    </Badge>
  );
}

/** Puts labels on a conversation and takes them off, and keeps the labels that there are. */
export function LabelMenu(props: { conversation: string; has: readonly Label[] }) {
  return (
    <DropdownPanel
      position="bottom-end"
      width={270}
      withinPortal
      target={
        <Button size="compact-xs" variant="subtle" color="gray" leftSection={<IconTag size={14} />}>{t`Labels`}</Button>
      }
    >
      <Suspense fallback={<Rows n={3} />}>
        <LabelChoice {...props} />
      </Suspense>
    </DropdownPanel>
  );
}
