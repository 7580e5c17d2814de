import { t } from "@lingui/core/macro";
import { IconBold, IconCode, IconItalic, IconStrikethrough, type TablerIcon } from "@tabler/icons-react";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);
const key = (k: string) => (mac ? `⌘${k}` : t`Ctrl ${k}`);

/** How WhatsApp formats a text, in the order in which it is offered. */
export const marks: { mark: string; label: string; keys: string; shown: string; icon: TablerIcon }[] = [
  { mark: "*", label: t`Bold`, keys: "Mod-b", shown: key("B"), icon: IconBold },
  { mark: "_", label: t`Italic`, keys: "Mod-i", shown: key("I"), icon: IconItalic },
  {
    mark: "~",
    label: t`Strikethrough`,
    keys: "Mod-Shift-x",
    shown: mac ? "⌘⇧X" : t`Ctrl Shift X`,
    icon: IconStrikethrough,
  },
  { mark: "```", label: t`Monospace`, keys: "Mod-e", shown: key("E"), icon: IconCode },
];
