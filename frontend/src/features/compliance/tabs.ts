/** The tabs of Compliance: each has its address below /compliance, but for the first, whose address that is. */
export const complianceTabs = ["consent", "double-opt-ins", "reviews", "suppressions", "check", "audit"] as const;
export type ComplianceTab = (typeof complianceTabs)[number];
