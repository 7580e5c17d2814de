import { createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { Empty, LinkButton } from "../components/ui";
import { AccountPage } from "../features/account/AccountPage";
import { CampaignPage } from "../features/campaigns/CampaignPage";
import { CampaignsPage } from "../features/campaigns/CampaignsPage";
import { CampaignWizard } from "../features/campaigns/CampaignWizard";
import { CompliancePage } from "../features/compliance/CompliancePage";
import { BulkActionsPage } from "../features/contacts/BulkAction";
import { ContactPage } from "../features/contacts/ContactPage";
import { ContactsPage } from "../features/contacts/ContactsPage";
import { DashboardPage } from "../features/dashboard/DashboardPage";
import { ImportPage } from "../features/imports/ImportPage";
import { InboxPage } from "../features/inbox/InboxPage";
import { DecisionsPage } from "../features/messages/DecisionsPage";
import { MessagePage } from "../features/messages/MessagePage";
import { MonitoringPage } from "../features/monitoring/MonitoringPage";
import { WebhooksPage } from "../features/monitoring/WebhooksPage";
import { SegmentPage } from "../features/segments/SegmentPage";
import { SegmentsPage } from "../features/segments/SegmentsPage";
import { SettingsPage } from "../features/settings/SettingsPage";
import { TemplatePage } from "../features/templates/TemplatePage";
import { TemplatesPage } from "../features/templates/TemplatesPage";
import { TopicsPage } from "../features/topics/TopicsPage";
import { Shell } from "./Shell";

export type Search = { q?: string; status?: string; consent?: string; f?: string; sort?: string };

const text = (v: unknown) => (typeof v === "string" && v ? v : undefined);

const rootRoute = createRootRoute({
  component: Shell,
  validateSearch: (s: Record<string, unknown>): Search => ({
    q: text(s.q),
    status: text(s.status),
    consent: text(s.consent),
    f: typeof s.f === "object" ? JSON.stringify(s.f) : text(s.f), // the router reads JSON in the address bar
    sort: text(s.sort),
  }),
  notFoundComponent: () => (
    <Empty icon="?" title="There is no such page" action={<LinkButton to="/">To the dashboard</LinkButton>}>
      The address may be mistyped, or the thing was deleted.
    </Empty>
  ),
});

const parent = () => rootRoute;
const routeTree = rootRoute.addChildren([
  createRoute({ getParentRoute: parent, path: "/", component: DashboardPage }),
  createRoute({ getParentRoute: parent, path: "/contacts", component: ContactsPage }),
  createRoute({ getParentRoute: parent, path: "/contacts/import", component: ImportPage }),
  createRoute({ getParentRoute: parent, path: "/contacts/actions", component: BulkActionsPage }),
  createRoute({ getParentRoute: parent, path: "/contacts/$id", component: ContactPage }),
  createRoute({ getParentRoute: parent, path: "/segments", component: SegmentsPage }),
  createRoute({ getParentRoute: parent, path: "/segments/$id", component: SegmentPage }),
  createRoute({ getParentRoute: parent, path: "/topics", component: TopicsPage }),
  createRoute({ getParentRoute: parent, path: "/templates", component: TemplatesPage }),
  createRoute({ getParentRoute: parent, path: "/templates/$id", component: TemplatePage }),
  createRoute({ getParentRoute: parent, path: "/campaigns", component: CampaignsPage }),
  createRoute({ getParentRoute: parent, path: "/campaigns/new", component: CampaignWizard }),
  createRoute({ getParentRoute: parent, path: "/campaigns/$id", component: CampaignPage }),
  createRoute({ getParentRoute: parent, path: "/messages/$id", component: MessagePage }),
  createRoute({ getParentRoute: parent, path: "/inbox", component: InboxPage }),
  createRoute({ getParentRoute: parent, path: "/inbox/$id", component: InboxPage }),
  createRoute({ getParentRoute: parent, path: "/monitoring", component: MonitoringPage }),
  createRoute({ getParentRoute: parent, path: "/monitoring/webhooks", component: WebhooksPage }),
  createRoute({ getParentRoute: parent, path: "/monitoring/decisions", component: DecisionsPage }),
  createRoute({ getParentRoute: parent, path: "/compliance", component: CompliancePage }),
  createRoute({ getParentRoute: parent, path: "/settings", component: SettingsPage }),
  createRoute({ getParentRoute: parent, path: "/account", component: AccountPage }),
]);

export const router = createRouter({ routeTree, defaultPreload: false, scrollRestoration: true });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
