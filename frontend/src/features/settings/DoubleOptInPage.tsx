import { t } from "@lingui/core/macro";
import { DoubleOptIn } from "./DoubleOptIn";
import { SettingsTab } from "./SettingsTab";

export const DoubleOptInPage = () => (
  <SettingsTab
    title={t`Double opt-in`}
    description={t`Whoever fills in a form may type another person’s number. With double opt-in, consent counts only after the person has confirmed it on WhatsApp.`}
  >
    <DoubleOptIn />
  </SettingsTab>
);
