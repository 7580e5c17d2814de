import { t } from "@lingui/core/macro";
import { NativeSelect, Tabs } from "@mantine/core";
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
  const open = (to: string | null) => change({ status: to === "consent" ? undefined : (to ?? undefined) });
  const tabs = [
    { value: "consent", label: t`Consent ledger` },
    { value: "double-opt-ins", label: t`Double opt-ins` },
    { value: "reviews", label: t`Opt-out reviews` },
    { value: "suppressions", label: t`Suppressions` },
    { value: "check", label: t`Check a number` },
    ...(admin ? [{ value: "audit", label: t`Audit trail` }] : []),
  ];
  return (
    <Page title={t`Compliance`} description={t`Who agreed, who must not be contacted, and who changed what`}>
      <Tabs value={tab} onChange={open} keepMounted={false}>
        <NativeSelect
          hiddenFrom="sm"
          mb="md"
          aria-label={t`Compliance`}
          value={tab}
          data={tabs}
          onChange={(e) => open(e.currentTarget.value)}
        />
        <Tabs.List mb="md" visibleFrom="sm">
          {tabs.map((entry) => (
            <Tabs.Tab key={entry.value} value={entry.value}>
              {entry.label}
            </Tabs.Tab>
          ))}
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
