import { t } from "@lingui/core/macro";
import { Limits } from "./Limits";
import { SettingsTab } from "./SettingsTab";

export const LimitsPage = () => (
  <SettingsTab
    title={t`Limits and hours`}
    description={t`How fast and how often messages are sent, and the hours that the law allows`}
  >
    <Limits />
  </SettingsTab>
);
