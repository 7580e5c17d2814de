import { createTheme, type MantineColorsTuple } from "@mantine/core";

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

export const theme = createTheme({
  colors: { brand },
  primaryColor: "brand",
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  defaultRadius: "md",
  fontFamily: "Inter, ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  headings: { fontWeight: "650" },
  cursorType: "pointer",
  components: {
    Table: { defaultProps: { verticalSpacing: "sm", highlightOnHover: true } },
    Card: { defaultProps: { withBorder: true, padding: "lg" } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300 } },
  },
});
