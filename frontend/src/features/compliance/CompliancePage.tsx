import { t } from "@lingui/core/macro";
import { Tabs } from "@mantine/core";
import { useMay } from "../../app/session";
import { Page } from "../../components/ui";
import { useAddress } from "../../lib/address";
import { AuditTrail } from "./AuditTrail";
import { CheckNumber } from "./CheckNumber";
import { ConsentLedger } from "./ConsentLedger";
import { OptInRequests } from "./OptInRequests";
import { OptOutReviews } from "./OptOutReviews";
import { Suppressions } from "./Suppressions";

/** What proves that the engine keeps to the rules. */
export function CompliancePage() {
  const { search, change } = useAddress();
  const admin = useMay("ADMIN");
  const tab = search.status ?? "consent";
  return (
    <Page title={t`Compliance`} description={t`Who agreed, who must not be contacted, and who changed what`}>
      <Tabs
        value={tab}
        onChange={(v) => change({ status: v === "consent" ? undefined : (v ?? undefined) })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="consent">{t`Consent ledger`}</Tabs.Tab>
          <Tabs.Tab value="double-opt-ins">{t`Double opt-ins`}</Tabs.Tab>
          <Tabs.Tab value="reviews">{t`Opt-out reviews`}</Tabs.Tab>
          <Tabs.Tab value="suppressions">{t`Suppressions`}</Tabs.Tab>
          <Tabs.Tab value="check">{t`Check a number`}</Tabs.Tab>
          {admin && <Tabs.Tab value="audit">{t`Audit trail`}</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="consent">
          <ConsentLedger />
        </Tabs.Panel>
        <Tabs.Panel value="double-opt-ins">
          <OptInRequests />
        </Tabs.Panel>
        <Tabs.Panel value="reviews">
          <OptOutReviews />
        </Tabs.Panel>
        <Tabs.Panel value="suppressions">
          <Suppressions />
        </Tabs.Panel>
        <Tabs.Panel value="check">
          <CheckNumber />
        </Tabs.Panel>
        {admin && (
          <Tabs.Panel value="audit">
            <AuditTrail />
          </Tabs.Panel>
        )}
      </Tabs>
    </Page>
  );
}
