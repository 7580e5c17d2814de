import "@fontsource-variable/inter";
import "@mantine/core/styles.css";
import "../src/app/font.css";
import "../src/app/global.css";

import { readWords } from "../src/lib/words";

const root = document.getElementById("root");
if (root) {
  await readWords();
  const { createRoot } = await import("react-dom/client");
  const { Gallery } = await import("./Gallery");
  createRoot(root).render(<Gallery />);
}
