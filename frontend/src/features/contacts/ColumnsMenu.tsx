import { t } from "@lingui/core/macro";
import { Button } from "@mantine/core";
import { IconColumns3 } from "@tabler/icons-react";
import { type ComponentProps, lazy, Suspense } from "react";
import { DropdownPanel } from "../../components/Dropdown";
import { Rows } from "../../components/ui";
import type { ColumnsChoice as Choice } from "./ColumnsChoice";

const ColumnsChoice = lazy(async () => ({ default: (await import("./ColumnsChoice")).ColumnsChoice }));

/** The button at which columns are chosen. */
export const ColumnsMenu = (props: ComponentProps<typeof Choice>) => (
  <DropdownPanel
    position="bottom-end"
    withArrow
    shadow="md"
    dropdown={{ w: 260, "aria-label": t`Columns` }}
    target={<Button variant="default" leftSection={<IconColumns3 size={16} />} visibleFrom="xs">{t`Columns`}</Button>}
  >
    <Suspense fallback={<Rows n={4} />}>
      <ColumnsChoice {...props} />
    </Suspense>
  </DropdownPanel>
);
