import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Anchor } from "@mantine/core";
import { useMay } from "../../app/session";
import { OnlyAdmins } from "../../components/ui";
import { ApiTokens } from "../people/ApiTokens";
import { SettingsTab } from "./SettingsTab";

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
