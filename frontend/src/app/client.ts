import { type Cache, cacheExchange } from "@urql/exchange-graphcache";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient as createSocket } from "graphql-ws";
import { Client, fetchExchange, mapExchange, subscriptionExchange } from "urql";
import { confirmExchange } from "./confirm";

const none = () => null;

/** Lists that a change of one thing makes stale. */
function refresh(cache: Cache, ...fields: string[]) {
  for (const f of cache.inspectFields("Query")) {
    if (fields.includes(f.fieldName)) cache.invalidate("Query", f.fieldKey);
  }
}

const stale =
  (...fields: string[]) =>
  (_result: unknown, _args: unknown, cache: Cache) =>
    refresh(cache, ...fields);

const socket = createSocket({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`,
  lazy: true,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
});

/** A new client for each session, so that nothing of the one before stays. */
export function createClient(onSignedOut: () => void): Client {
  return new Client({
    url: "/graphql",
    requestPolicy: "cache-and-network",
    preferGetMethod: false,
    exchanges: [
      mapExchange({
        onError(error) {
          const over = ["UNAUTHENTICATED", "SECOND_FACTOR"]; // the gate says what comes next
          if (error.graphQLErrors.some((e) => over.includes(String(e.extensions.code)))) onSignedOut();
        },
      }),
      cacheExchange({
        keys: {
          Account: none,
          AttributeKey: none,
          AuditCheckpoint: none,
          AuditCheckpointPlace: none,
          AuditProtection: none,
          AuditVerification: none,
          BulkActionConnection: none,
          CampaignConnection: none,
          CampaignCounts: none,
          CampaignPreflight: none,
          AllowedHours: none,
          CampaignRates: none,
          CampaignSchedule: none,
          CampaignSender: none,
          CampaignSeriesPoint: none,
          ConsentCount: none,
          ConsentEventConnection: none,
          ContactConnection: none,
          ContactViewFilter: none,
          ConversationConnection: none,
          Dashboard: none,
          DashboardPeriod: none,
          DashboardPoint: none,
          ErrorBucket: none,
          Finding: none,
          FrequencyCap: none,
          HealthCheck: none,
          LegalHours: none,
          LegalHoursBook: none,
          ImportColumn: none,
          ImportConnection: none,
          ImportReject: none,
          MessageAttempt: none,
          MessageConnection: none,
          MessageDecision: none,
          DecisionStep: none,
          DeferralCount: none,
          NumberCheck: none,
          PageInfo: none,
          PasswordLink: none,
          QueueHealth: none,
          QuietHours: none,
          Recurrence: none,
          SandboxSettings: none,
          SegmentConnection: none,
          SuppressionConnection: none,
          WebhookEventConnection: none,
          AuditEntryConnection: none,
          SecondStep: none,
          SegmentPreview: none,
          SegmentReason: none,
          SegmentReasons: none,
          SessionWindow: none,
          Settings: none,
          Setup: none,
          SignInProvider: none,
          SkipReasonCount: none,
          SystemHealth: none,
          TemplateConnection: none,
          TemplatePreview: none,
          TemplateVariable: none,
          TimelineEntry: none,
          TopicSubscription: none,
          UserError: none,
        },
        updates: {
          Mutation: {
            contactCreate: stale("contacts", "contactCount", "segmentPreview"),
            contactImport: stale("imports"),
            contactTag: stale("bulkActions"),
            contactTopicRecord: stale("bulkActions", "topics"),
            contactTopicSet: stale("topics"),
            topicCreate: stale("topics"),
            topicDelete: stale("topics"),
            contactConsentRecord: stale("bulkActions"),
            contactSuppress: stale("bulkActions"),
            contactExport: stale("bulkActions"),
            contactErase: stale("bulkActions"),
            contactMerge: stale("contacts", "contact", "contactCount", "segmentPreview"),
            contactViewSave: stale("contactViews"),
            contactViewDelete: stale("contactViews"),
            suppressionAdd: stale("contact", "suppressions"),
            suppressionRemove: stale("contact", "suppressions"),
            segmentCreate: stale("segments"),
            segmentDelete: stale("segments"),
            templateCreate: stale("templates"),
            templateUpdate: stale("templates"),
            templateDelete: stale("templates"),
            campaignCreate: stale("campaigns"),
            campaignDuplicate: stale("campaigns"),
            campaignDelete: stale("campaigns"),
            campaignSchedule: stale("campaigns"),
            campaignUnschedule: stale("campaigns"),
            conversationMarkRead: stale("conversations"),
            conversationAssign: stale("conversations"),
            conversationClose: stale("conversations"),
            campaignUpdate: stale("campaignPreflight"),
            settingsUpdate: stale("settings"),
            senderCreate: stale("senders"),
            operatorInvite: stale("operators"),
            operatorUpdate: stale("operators"),
            operatorDeactivate: stale("operators"),
            operatorReactivate: stale("operators"),
            operatorPasswordLink: stale("operators"),
            operatorProviderUnlink: stale("operators"),
            serviceAccountCreate: stale("operators"),
            sessionRevoke: stale("sessions"),
            signOutEverywhere: stale("sessions"),
            passwordChange: stale("sessions"),
            totpEnable: stale("account"),
            totpDisable: stale("account"),
            recoveryCodesRenew: stale("account"),
            passkeyRegister: stale("account"),
            passkeyDelete: stale("account"),
            apiTokenCreate: stale("apiTokens"),
            messageResolve: stale("messages", "systemHealth"),
            sandboxSettingsUpdate: stale("sandboxSettings"),
            sandboxSeed: stale(
              "dashboard",
              "contacts",
              "segments",
              "templates",
              "campaigns",
              "messages",
              "imports",
              "topics",
              "attributeKeys",
            ),
          },
        },
      }),
      confirmExchange,
      persistedExchange({
        enforcePersistedQueries: true,
        enableForMutation: true,
        enableForSubscriptions: true,
        preferGetForPersistedQueries: false,
        generateHash: async (_text, document) => (document as unknown as { __meta__: { hash: string } }).__meta__.hash,
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query: request.query ?? "", variables: request.variables, extensions: request.extensions },
              {
                next: (value) => sink.next(value as never),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
}
