import { t } from "@lingui/core/macro";
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, notFound } from "@tanstack/react-router";
import { LinkButton, Missing } from "../components/ui";
import { complianceTabs } from "../features/compliance/tabs";
import { Shell } from "./Shell";

export type Search = {
  q?: string;
  status?: string;
  consent?: string;
  f?: string;
  sort?: string;
  step?: string;
  id?: string;
  range?: string;
  from?: string;
  to?: string;
  label?: string;
  like?: string;
  segment?: string;
  template?: string;
  source?: string;
  view?: string;
};

/** The router reads JSON in the address bar: ?q=4915 is a number. */
const text = (v: unknown) => (typeof v === "string" || typeof v === "number" ? String(v) || undefined : undefined);

const rootRoute = createRootRoute({
  component: Shell,
  validateSearch: (s: Record<string, unknown>): Search => ({
    q: text(s.q),
    status: text(s.status),
    consent: text(s.consent),
    f: typeof s.f === "object" ? JSON.stringify(s.f) : text(s.f), // the router reads JSON in the address bar
    sort: text(s.sort),
    step: text(s.step),
    id: text(s.id),
    range: text(s.range),
    from: text(s.from),
    to: text(s.to),
    label: text(s.label),
    like: text(s.like),
    segment: text(s.segment),
    template: text(s.template),
    source: text(s.source),
    view: text(s.view),
  }),
  notFoundComponent: () => (
    <Missing
      title={t`Page not found`}
      action={<LinkButton to="/">{t`To the dashboard`}</LinkButton>}
    >{t`The address may be mistyped, or the thing was deleted.`}</Missing>
  ),
});

const parent = () => rootRoute;
/** One page for the list and for each conversation: the list stays as it is while they are read. */
const inboxRoute = createRoute({
  getParentRoute: parent,
  path: "/inbox",
  component: lazyRouteComponent(() => import("../features/inbox/InboxPage"), "InboxPage"),
});
// One for all tabs: going from one to the next, the page stays.
const compliance = lazyRouteComponent(() => import("../features/compliance/CompliancePage"), "CompliancePage");

const routeTree = rootRoute.addChildren([
  createRoute({
    getParentRoute: parent,
    path: "/",
    component: lazyRouteComponent(() => import("../features/dashboard/DashboardPage"), "DashboardPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/contacts",
    component: lazyRouteComponent(() => import("../features/contacts/ContactsPage"), "ContactsPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/contacts/import",
    component: lazyRouteComponent(() => import("../features/imports/ImportPage"), "ImportPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/contacts/actions",
    component: lazyRouteComponent(() => import("../features/contacts/BulkAction"), "BulkActionsPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/contacts/$id",
    component: lazyRouteComponent(() => import("../features/contacts/ContactPage"), "ContactPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/segments",
    component: lazyRouteComponent(() => import("../features/segments/SegmentsPage"), "SegmentsPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/segments/$id",
    component: lazyRouteComponent(() => import("../features/segments/SegmentPage"), "SegmentPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/topics",
    component: lazyRouteComponent(() => import("../features/topics/TopicsPage"), "TopicsPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/templates",
    component: lazyRouteComponent(() => import("../features/templates/TemplatesPage"), "TemplatesPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/templates/$id",
    component: lazyRouteComponent(() => import("../features/templates/TemplatePage"), "TemplatePage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/campaigns",
    component: lazyRouteComponent(() => import("../features/campaigns/CampaignsPage"), "CampaignsPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/campaigns/calendar",
    component: lazyRouteComponent(() => import("../features/campaigns/CampaignCalendar"), "CampaignCalendar"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/campaigns/new",
    component: lazyRouteComponent(() => import("../features/campaigns/CampaignEditor"), "NewCampaign"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/campaigns/$id/edit",
    component: lazyRouteComponent(() => import("../features/campaigns/CampaignEditor"), "CampaignEditor"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/campaigns/$id",
    component: lazyRouteComponent(() => import("../features/campaigns/CampaignPage"), "CampaignPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/messages/$id",
    component: lazyRouteComponent(() => import("../features/messages/MessagePage"), "MessagePage"),
  }),
  inboxRoute.addChildren([
    createRoute({ getParentRoute: () => inboxRoute, path: "/" }),
    createRoute({ getParentRoute: () => inboxRoute, path: "$id" }),
  ]),
  createRoute({
    getParentRoute: parent,
    path: "/monitoring",
    component: lazyRouteComponent(() => import("../features/monitoring/MonitoringPage"), "MonitoringPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/monitoring/webhooks",
    component: lazyRouteComponent(() => import("../features/monitoring/WebhooksPage"), "WebhooksPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/monitoring/check",
    component: lazyRouteComponent(() => import("../features/monitoring/DiagnosisPage"), "DiagnosisPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/monitoring/decisions",
    component: lazyRouteComponent(() => import("../features/messages/DecisionsPage"), "DecisionsPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/compliance",
    component: compliance,
  }),
  createRoute({
    getParentRoute: parent,
    path: "/compliance/$tab",
    beforeLoad: ({ params }) => {
      if (!complianceTabs.some((tab) => tab === params.tab)) throw notFound();
    },
    component: compliance,
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings",
    component: lazyRouteComponent(() => import("../features/settings/WorkspacePage"), "WorkspacePage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/live",
    component: lazyRouteComponent(() => import("../features/golive/GoingLivePage"), "GoingLivePage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/senders",
    component: lazyRouteComponent(() => import("../features/settings/SendersPage"), "SendersPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/limits",
    component: lazyRouteComponent(() => import("../features/settings/LimitsPage"), "LimitsPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/prices",
    component: lazyRouteComponent(() => import("../features/prices/PricesPage"), "PricesPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/double-opt-in",
    component: lazyRouteComponent(() => import("../features/settings/DoubleOptInPage"), "DoubleOptInPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/team",
    component: lazyRouteComponent(() => import("../features/settings/TeamPage"), "TeamPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/api",
    component: lazyRouteComponent(() => import("../features/settings/ApiPage"), "ApiPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/developer",
    component: lazyRouteComponent(() => import("../features/settings/DeveloperPage"), "DeveloperPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/keywords",
    component: lazyRouteComponent(() => import("../features/settings/KeywordsPage"), "KeywordsPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/attributes",
    component: lazyRouteComponent(() => import("../features/attributes/AttributesPage"), "AttributesPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/settings/retention",
    component: lazyRouteComponent(() => import("../features/settings/RetentionPage"), "RetentionPage"),
  }),
  createRoute({
    getParentRoute: parent,
    path: "/account",
    component: lazyRouteComponent(() => import("../features/account/AccountPage"), "AccountPage"),
  }),
]);

export const router = createRouter({ routeTree, defaultPreload: false, scrollRestoration: true });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
