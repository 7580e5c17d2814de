import { Anchor, Card, Text } from "@mantine/core";
import { useMay } from "../../app/session";
import { ApiTokens } from "../people/ApiTokens";
import { Operators } from "../people/Operators";
import { SignInRules } from "../people/SignInRules";
import { DoubleOptIn } from "./DoubleOptIn";
import { Limits } from "./Limits";
import { SettingsTab } from "./SettingsTab";

export const LimitsPage = () => (
  <SettingsTab title="Limits and hours" description="How fast and how often messages go, and when the law lets them">
    <Limits />
  </SettingsTab>
);

export const DoubleOptInPage = () => (
  <SettingsTab
    title="Double opt-in"
    description="Whether a consent counts only once the person has confirmed it on WhatsApp"
  >
    <DoubleOptIn />
  </SettingsTab>
);

const OnlyAdmins = () => (
  <Card>
    <Text size="sm">Only an admin can see this page.</Text>
  </Card>
);

export function TeamPage() {
  const admin = useMay("ADMIN");
  return (
    <SettingsTab title="Team" description="Who works here, what they may do, and how they sign in">
      {admin ? (
        <>
          <Operators />
          <SignInRules />
        </>
      ) : (
        <OnlyAdmins />
      )}
    </SettingsTab>
  );
}

export function ApiPage() {
  const admin = useMay("ADMIN");
  return (
    <SettingsTab
      title="API"
      description={
        <>
          Tokens for programs of yours. What they can ask is in the{" "}
          <Anchor href="/playground" inherit underline="always">
            playground
          </Anchor>
          .
        </>
      }
    >
      {admin ? <ApiTokens /> : <OnlyAdmins />}
    </SettingsTab>
  );
}
