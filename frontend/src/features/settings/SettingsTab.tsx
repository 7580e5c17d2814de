import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { PageTabs } from "../../components/PageTabs";
import { Page } from "../../components/ui";
import { useSettingsPages } from "./pages";

/** How wide the forms are, on all pages alike. */
export const formWidth = 640;

/** One page of the settings, under its name, with the way to the others. */
export function SettingsTab(props: {
  title: string;
  description: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const pages = useSettingsPages();
  return (
    <Page title={props.title} description={props.description} actions={props.actions}>
      <PageTabs label={t`Settings`} pages={pages} />
      {props.children}
    </Page>
  );
}
