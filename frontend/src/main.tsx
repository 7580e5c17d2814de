import "@fontsource-variable/inter";
import "@mantine/core/styles.css";
import "./app/font.css";
import "./app/global.css";

import { reloadAfterUpgrade } from "./lib/upgrade";
import { readWords } from "./lib/words";

// The texts first: modules that have some take them as they are loaded.
async function start(root: HTMLElement) {
  await readWords();
  const { show } = await import("./app/App");
  show(root);
}

reloadAfterUpgrade();
const root = document.getElementById("root");
if (root) void start(root);
