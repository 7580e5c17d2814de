import { t } from "@lingui/core/macro";
import type { Role, Scope } from "../../gql/graphql";

export const roles: { value: Role; label: string }[] = [
  { value: "VIEWER", label: t`Viewer: reads` },
  { value: "MARKETER", label: t`Marketer: also changes and sends` },
  { value: "ADMIN", label: t`Admin: also people, senders, tokens` },
];

/** What a role lets its people do, for the line below its name. */
export const mayOf: Record<Role, string> = {
  VIEWER: t`Reads`,
  MARKETER: t`Reads, changes and sends`,
  ADMIN: t`Everything, also people, senders and tokens`,
};

export const scopes: { value: Scope; label: string; description: string }[] = [
  { value: "READ", label: t`Read`, description: t`Everything that the role may see` },
  { value: "CONTACTS_WRITE", label: t`Change contacts`, description: t`Contacts, consent, topics, imports` },
  { value: "CONTACTS_EXPORT", label: t`Export contacts`, description: t`Files with contacts and messages` },
  { value: "CAMPAIGNS_WRITE", label: t`Run campaigns`, description: t`Segments, templates, campaigns; this sends` },
  { value: "MESSAGES_WRITE", label: t`Write messages`, description: t`Replies, test messages, conversations` },
  { value: "SETTINGS_WRITE", label: t`Change settings`, description: t`Senders, settings, webhook events` },
];
