import type { Role, Scope } from "../../gql/graphql";

export const roles: { value: Role; label: string }[] = [
  { value: "VIEWER", label: "Viewer: reads" },
  { value: "MARKETER", label: "Marketer: also changes and sends" },
  { value: "ADMIN", label: "Admin: also people, senders, tokens" },
];

export const scopes: { value: Scope; label: string; description: string }[] = [
  { value: "READ", label: "Read", description: "Everything that the role may see" },
  { value: "CONTACTS_WRITE", label: "Change contacts", description: "Contacts, consent, topics, imports" },
  { value: "CONTACTS_EXPORT", label: "Export contacts", description: "Files with contacts and messages" },
  { value: "CAMPAIGNS_WRITE", label: "Run campaigns", description: "Segments, templates, campaigns; this sends" },
  { value: "MESSAGES_WRITE", label: "Write messages", description: "Replies, test messages, conversations" },
  { value: "SETTINGS_WRITE", label: "Change settings", description: "Senders, settings, webhook events" },
];
