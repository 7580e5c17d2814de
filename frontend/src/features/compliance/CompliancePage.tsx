import { t } from "@lingui/core/macro";
import { useParams } from "@tanstack/react-router";
import { type ComponentType, lazy, Suspense } from "react";
import { useMay } from "../../app/session";
import { PageTabs } from "../../components/PageTabs";
import { OnlyAdmins, Page, Rows } from "../../components/ui";
import { type ComplianceTab, complianceTabs } from "./tabs";

// Each tab comes when it is opened.
const AuditTrail = lazy(async () => ({ default: (await import("./AuditTrail")).AuditTrail }));
const CheckNumber = lazy(async () => ({ default: (await import("./CheckNumber")).CheckNumber }));
const ConsentLedger = lazy(async () => ({ default: (await import("./ConsentLedger")).ConsentLedger }));
const OptInRequests = lazy(async () => ({ default: (await import("./OptInRequests")).OptInRequests }));
const OptOutReviews = lazy(async () => ({ default: (await import("./OptOutReviews")).OptOutReviews }));
const Suppressions = lazy(async () => ({ default: (await import("./Suppressions")).Suppressions }));

const shown: Record<ComplianceTab, ComponentType> = {
  consent: ConsentLedger,
  "double-opt-ins": OptInRequests,
  reviews: OptOutReviews,
  suppressions: Suppressions,
  check: CheckNumber,
  audit: AuditTrail,
};

/** What proves that the engine keeps to the rules. */
export function CompliancePage() {
  const admin = useMay("ADMIN");
  const { tab = "consent" } = useParams({ strict: false }) as { tab?: ComplianceTab };
  const labels: Record<ComplianceTab, string> = {
    consent: t`Consent ledger`,
    "double-opt-ins": t`Double opt-ins`,
    reviews: t`Opt-out reviews`,
    suppressions: t`Suppressions`,
    check: t`Check a number`,
    audit: t`Audit trail`,
  };
  const pages = complianceTabs
    .filter((value) => value !== "audit" || admin || tab === "audit") // whoever has its address is told why it is closed
    .map((value) => ({ to: value === "consent" ? "/compliance" : `/compliance/${value}`, label: labels[value] }));
  const Shown = tab === "audit" && !admin ? OnlyAdmins : shown[tab];
  return (
    <Page title={t`Compliance`} description={t`Who agreed, who must not be contacted, and who changed what`}>
      <PageTabs label={t`Compliance`} pages={pages} />
      <Suspense fallback={<Rows />}>
        <Shown />
      </Suspense>
    </Page>
  );
}
