import { t } from "@lingui/core/macro";
import { Anchor } from "@mantine/core";
import { type ReactNode, useState } from "react";

/** The first of a list, and what shows the rest; all: what the link to that says, such as "Show all 12 countries". */
export function useFirst<T>(n: number, list: readonly T[], all: string): [shown: readonly T[], more: ReactNode] {
  const [whole, setWhole] = useState(false);
  if (list.length <= n) return [list, null];
  return [
    whole ? list : list.slice(0, n),
    <Anchor key="more" component="button" size="sm" ta="left" onClick={() => setWhole(!whole)}>
      {whole ? t`Show fewer` : all}
    </Anchor>,
  ];
}
