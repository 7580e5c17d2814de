import { t } from "@lingui/core/macro";
import { NativeSelect, Tabs } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useMay } from "../../app/session";
import { OnlyAdmins, Page } from "../../components/ui";
import { AuditTrail } from "./AuditTrail";
import { CheckNumber } from "./CheckNumber";
import { ConsentLedger } from "./ConsentLedger";
import { OptInRequests } from "./OptInRequests";
import { OptOutReviews } from "./OptOutReviews";
import { Suppressions } from "./Suppressions";
import { type ComplianceTab, complianceTabs } from "./tabs";

/** What proves that the engine keeps to the rules. */
export function CompliancePage() {
  const admin = useMay("ADMIN");
  const navigate = useNavigate();
  const { tab = "consent" } = useParams({ strict: false });
  const open = (to: string | null) =>
    void navigate(to && to !== "consent" ? { to: "/compliance/$tab", params: { tab: to } } : { to: "/compliance" });
  const labels: Record<ComplianceTab, string> = {
    consent: t`Consent ledger`,
    "double-opt-ins": t`Double opt-ins`,
    reviews: t`Opt-out reviews`,
    suppressions: t`Suppressions`,
    check: t`Check a number`,
    audit: t`Audit trail`,
  };
  const tabs = complianceTabs
    .filter((value) => value !== "audit" || admin || tab === "audit") // whoever has its address is told why it is closed
    .map((value) => ({ value, label: labels[value] }));
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
        <Tabs.Panel value="audit">{admin ? <AuditTrail /> : <OnlyAdmins />}</Tabs.Panel>
      </Tabs>
    </Page>
  );
}
