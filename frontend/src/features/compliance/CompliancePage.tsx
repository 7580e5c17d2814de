import { t } from "@lingui/core/macro";
import { NativeSelect, Tabs } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useMay } from "../../app/session";
import { OnlyAdmins, Page, Rows } from "../../components/ui";
import { type ComplianceTab, complianceTabs } from "./tabs";

// Each tab comes when it is opened.
const AuditTrail = lazy(async () => ({ default: (await import("./AuditTrail")).AuditTrail }));
const CheckNumber = lazy(async () => ({ default: (await import("./CheckNumber")).CheckNumber }));
const ConsentLedger = lazy(async () => ({ default: (await import("./ConsentLedger")).ConsentLedger }));
const OptInRequests = lazy(async () => ({ default: (await import("./OptInRequests")).OptInRequests }));
const OptOutReviews = lazy(async () => ({ default: (await import("./OptOutReviews")).OptOutReviews }));
const Suppressions = lazy(async () => ({ default: (await import("./Suppressions")).Suppressions }));

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
        <Suspense fallback={<Rows />}>
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
        </Suspense>
      </Tabs>
    </Page>
  );
}
