import { t } from "@lingui/core/macro";
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";
import { locale } from "../lib/language";

// One accent: the green of the trade, dark enough for white text (WCAG 2.2 AA).
const brand: MantineColorsTuple = [
  "#e8f7f1",
  "#d3ece2",
  "#a6d9c5",
  "#75c5a6",
  "#4db48b",
  "#34a97a",
  "#259069",
  "#0b7a5c",
  "#06664c",
  "#00513b",
];

// Surfaces and texts in the dark, of the light theme's cool tone. The page behind them is of global.css.
const darkShades: MantineColorsTuple = [
  "#eceff0",
  "#c8cfd2",
  "#a8b2b5",
  "#838e92",
  "#3f494d",
  "#2f373a",
  "#23292c",
  "#1c2124",
  "#171b1d",
  "#101314",
];

const parts = new Intl.NumberFormat(locale).formatToParts(12_345.6);
const part = (type: "decimal" | "group") => parts.find((p) => p.type === type)?.value;
/** What stands between thousands and before decimals where the reader is. A person types the same. */
const separators = { thousandSeparator: part("group"), decimalSeparator: part("decimal") };
const dialogTitle = { fontWeight: 600, fontSize: "var(--mantine-font-size-lg)", overflowWrap: "anywhere" } as const;

export const theme = createTheme({
  colors: { brand, dark: darkShades },
  primaryColor: "brand",
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  respectReducedMotion: true,
  defaultRadius: "md",
  fontFamily: "'Inter Variable', ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  headings: { fontWeight: "650" },
  cursorType: "pointer",
  components: {
    Table: { defaultProps: { verticalSpacing: 9, horizontalSpacing: "sm", fz: "sm", highlightOnHover: true } },
    // What a button says is read whole: in a narrow row it is the text beside it that breaks.
    Button: { defaultProps: { maw: "100%" }, styles: { root: { flexShrink: 0 } } },
    // Arabic and Hebrew are written from the right.
    TextInput: { defaultProps: { attributes: { input: { dir: "auto" } } } },
    Textarea: { defaultProps: { attributes: { input: { dir: "auto" } } } },
    Card: { defaultProps: { withBorder: true, padding: "lg" } },
    NavLink: { defaultProps: { px: 10, py: 7, styles: { label: { fontSize: "var(--mantine-font-size-sm)" } } } },
    Notification: {
      defaultProps: { closeButtonProps: { "aria-label": t`Close the notice` } },
      styles: { description: { color: "var(--mantine-color-text)" } },
    },
    Modal: { defaultProps: { closeButtonProps: { "aria-label": t`Close` } }, styles: { title: dialogTitle } },
    Drawer: { defaultProps: { closeButtonProps: { "aria-label": t`Close` } }, styles: { title: dialogTitle } },
    Switch: { defaultProps: { withThumbIndicator: false } },
    // A number out of range stays as it was typed, and the form says what is allowed: silently another one is worse.
    NumberInput: { defaultProps: { clampBehavior: "none", ...separators } },
  },
});

/** Text on the palest tint of its colour, dark enough to be read in a small badge. */
const onTint: Record<string, string> = {
  red: "#8f1d13",
  yellow: "#6b4200",
  green: "#1b5a2b",
  grape: "#6a1b7d",
  blue: "#12467f",
  gray: "#3b4246",
};

/** Mantine's muted and coloured texts fall short of WCAG's 4.5:1; these do not. */
export const contrast: CSSVariablesResolver = (t) => {
  const light: Record<string, string> = {
    "--mantine-color-dimmed": "#566064",
    "--mantine-color-placeholder": "#6b7478",
    "--mantine-color-error": "#b42318",
  };
  const dark: Record<string, string> = {
    "--mantine-color-dimmed": "#a8b2b5",
    "--mantine-color-placeholder": "#8f999c",
    "--mantine-color-error": "#ff9a91",
    "--mantine-color-default-color": "var(--mantine-color-dark-0)",
    "--mantine-color-disabled": "#333b3f",
  };
  for (const name of ["red", "yellow", "green", "grape", "blue", "gray", "brand"]) {
    const shades = t.colors[name];
    light[`--mantine-color-${name}-text`] = name === "yellow" ? "#7a4b00" : (shades?.[9] ?? "");
    light[`--mantine-color-${name}-light-color`] = onTint[name] ?? shades?.[9] ?? "";
    light[`--mantine-color-${name}-outline`] = shades?.[9] ?? "";
    dark[`--mantine-color-${name}-text`] = shades?.[3] ?? "";
    dark[`--mantine-color-${name}-light-color`] = shades?.[2] ?? "";
    dark[`--mantine-color-${name}-outline`] = shades?.[3] ?? "";
  }
  // What is chosen stands out from the page, which a tenth of the colour does not do in the dark.
  dark["--mantine-color-brand-light"] = "#123f33";
  dark["--mantine-color-brand-light-hover"] = "#174c3e";
  dark["--mantine-color-gray-light"] = "#343c40"; // a plain badge is the quietest
  dark["--mantine-color-gray-light-hover"] = "#3d464a";
  light["--mantine-color-red-filled"] = "#b42318";
  dark["--mantine-color-red-filled"] = "#b42318";
  return { variables: {}, light, dark };
};
