import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Anchor } from "@mantine/core";
import { useMay } from "../../app/session";
import { OnlyAdmins } from "../../components/ui";
import { ApiTokens } from "../people/ApiTokens";
import { CallTheApi } from "./CallTheApi";
import { SettingsTab } from "./SettingsTab";

export function ApiPage() {
  const admin = useMay("ADMIN");
  return (
    <SettingsTab
      title={t`API`}
      description={
        <Trans>
          Tokens let your own software use the API. Try it in the{" "}
          <Anchor href="/playground" inherit underline="always">{t`playground`}</Anchor>.
        </Trans>
      }
    >
      {admin ? (
        <>
          <ApiTokens />
          <CallTheApi />
        </>
      ) : (
        <OnlyAdmins />
      )}
    </SettingsTab>
  );
}
