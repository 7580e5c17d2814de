import "@mantine/spotlight/styles.css";

import { Spotlight, type SpotlightActionData, spotlight } from "@mantine/spotlight";
import { useEffect } from "react";

/** The command palette. It opens each time that opened, a count of how often it was asked for, grows. */
export function Palette({ opened, actions }: { opened: number; actions: SpotlightActionData[] }) {
  useEffect(() => {
    if (opened > 0) spotlight.open();
  }, [opened]);
  return (
    <Spotlight
      shortcut={null}
      searchProps={{ placeholder: "Go to…", "aria-label": "Go to" }}
      nothingFound="Nothing of that name"
      actions={actions}
    />
  );
}
