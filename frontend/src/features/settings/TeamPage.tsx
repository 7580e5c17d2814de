import { t } from "@lingui/core/macro";
import { useMay } from "../../app/session";
import { Operators } from "../people/Operators";
import { SignInRules } from "../people/SignInRules";
import { SettingsTab } from "./SettingsTab";
import { TeamNumbers } from "./TeamNumbers";

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
