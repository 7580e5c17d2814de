import { t } from "@lingui/core/macro";
import { DoubleOptIn } from "./DoubleOptIn";
import { SettingsTab } from "./SettingsTab";

export const DoubleOptInPage = () => (
  <SettingsTab
    title={t`Double opt-in`}
    description={t`Whether a consent counts only once the person has confirmed it on WhatsApp`}
  >
    <DoubleOptIn />
  </SettingsTab>
);
