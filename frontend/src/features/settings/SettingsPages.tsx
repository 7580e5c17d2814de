import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Anchor } from "@mantine/core";
import { useMay } from "../../app/session";
import { OnlyAdmins } from "../../components/ui";
import { ApiTokens } from "../people/ApiTokens";
import { Operators } from "../people/Operators";
import { SignInRules } from "../people/SignInRules";
import { DoubleOptIn } from "./DoubleOptIn";
import { Limits } from "./Limits";
import { SettingsTab } from "./SettingsTab";
import { TeamNumbers } from "./TeamNumbers";

export const LimitsPage = () => (
  <SettingsTab
    title={t`Limits and hours`}
    description={t`How fast and how often messages are sent, and the hours that the law allows`}
  >
    <Limits />
  </SettingsTab>
);

export const DoubleOptInPage = () => (
  <SettingsTab
    title={t`Double opt-in`}
    description={t`Whether a consent counts only once the person has confirmed it on WhatsApp`}
  >
    <DoubleOptIn />
  </SettingsTab>
);

export function TeamPage() {
  const admin = useMay("ADMIN");
  return (
    <SettingsTab
      title={t`Team`}
      description={admin ? t`Who works here, what they may do, and how they sign in` : t`The team's own numbers`}
    >
      {admin && <Operators />}
      <TeamNumbers />
      {admin && <SignInRules />}
    </SettingsTab>
  );
}

export function ApiPage() {
  const admin = useMay("ADMIN");
  return (
    <SettingsTab
      title={t`API`}
      description={
        <Trans>
          Tokens for programs of yours. What they can ask is in the{" "}
          <Anchor href="/playground" inherit underline="always">{t`playground`}</Anchor>.
        </Trans>
      }
    >
      {admin ? <ApiTokens /> : <OnlyAdmins />}
    </SettingsTab>
  );
}
