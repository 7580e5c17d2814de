import { expect, type Page } from "@playwright/test";

type Place = string | ((on: Page) => Promise<string>);

/** The first thing on a list page. */
const firstOf = (list: Place, part: string) => async (on: Page) => {
  await on.goto(typeof list === "string" ? list : await list(on));
  const link = on.locator(`main a[href*="${part}"]`).first();
  await on.keyboard.press("End"); // what stands far below is loaded when it comes into sight
  await expect(link).toBeVisible();
  return (await link.getAttribute("href")) ?? "";
};

/**
 * Every page, by a short name; some are found on the list that they are on. The lists are those of campaigns that begin
 * with one that was sent, and with a draft.
 */
export const placesOf = (sent: string, drafts: string): Record<string, Place> => {
  const campaign = firstOf(sent, "/campaigns/Q");
  const draft = firstOf(drafts, "/campaigns/Q");
  return {
    dashboard: "/",
    contacts: "/contacts",
    import: "/contacts/import",
    actions: "/contacts/actions",
    contact: firstOf("/contacts", "/contacts/Q"),
    segments: "/segments",
    segment: firstOf("/segments", "/segments/U"),
    "segment-new": "/segments/new",
    topics: "/topics",
    templates: "/templates",
    template: firstOf("/templates", "/templates/V"),
    "template-new": "/templates/new",
    campaigns: "/campaigns",
    campaign,
    "campaign-calendar": "/campaigns/calendar",
    "campaign-new": "/campaigns/new",
    "campaign-edit": async (on) => `${await draft(on)}/edit`,
    message: firstOf(campaign, "/messages/"),
    inbox: "/inbox",
    thread: firstOf("/inbox", "/inbox/"),
    monitoring: "/monitoring",
    webhooks: "/monitoring/webhooks",
    decisions: "/monitoring/decisions",
    compliance: "/compliance",
    audit: "/compliance/audit",
    workspace: "/settings",
    senders: "/settings/senders",
    limits: "/settings/limits",
    prices: "/settings/prices",
    "double-opt-in": "/settings/double-opt-in",
    team: "/settings/team",
    api: "/settings/api",
    developer: "/settings/developer",
    attributes: "/settings/attributes",
    account: "/account",
  };
};

/** Those of the story, which scheduled a campaign and took it back. */
export const places = placesOf("/campaigns?q=Alert", "/campaigns?status=DRAFT");

/** The address of a page. */
export const addressOf = async (on: Page, place: Place) => (typeof place === "string" ? place : await place(on));
