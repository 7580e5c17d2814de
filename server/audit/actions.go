package audit

import "strings"

// Action is what was done, as an entry names it: the kind of thing and what became of it. Only this package makes
// actions, so that those below are all that there are, and each has its words in the pages (frontend/src/lib/actions.ts).
// What was written once stays: a code is never renamed.
type Action struct{ code string }

// String is the code, such as campaign.launch.
func (a Action) String() string { return a.code }

// of is the kind of thing that an action is about.
func (a Action) of() string {
	thing, _, _ := strings.Cut(a.code, ".")
	return thing
}

// What is done.
var (
	APITokenCreate           = Action{"api_token.create"}
	APITokenRevoke           = Action{"api_token.revoke"}
	AttributeUpdate          = Action{"attribute.update"}
	AuditKeyRotate           = Action{"audit.key_rotate"}
	BackupCreate             = Action{"backup.create"}
	BackupRestore            = Action{"backup.restore"}
	BulkConsent              = Action{"bulk.consent"}
	BulkConsentCanceled      = Action{"bulk.consent.canceled"}
	BulkConsentCompleted     = Action{"bulk.consent.completed"}
	BulkConsentFailed        = Action{"bulk.consent.failed"}
	BulkConsentStart         = Action{"bulk.consent.start"}
	BulkErase                = Action{"bulk.erase"}
	BulkEraseCanceled        = Action{"bulk.erase.canceled"}
	BulkEraseCompleted       = Action{"bulk.erase.completed"}
	BulkEraseFailed          = Action{"bulk.erase.failed"}
	BulkEraseStart           = Action{"bulk.erase.start"}
	BulkExportCanceled       = Action{"bulk.export.canceled"}
	BulkExportCompleted      = Action{"bulk.export.completed"}
	BulkExportFailed         = Action{"bulk.export.failed"}
	BulkExportStart          = Action{"bulk.export.start"}
	BulkSuppress             = Action{"bulk.suppress"}
	BulkSuppressCanceled     = Action{"bulk.suppress.canceled"}
	BulkSuppressCompleted    = Action{"bulk.suppress.completed"}
	BulkSuppressFailed       = Action{"bulk.suppress.failed"}
	BulkSuppressStart        = Action{"bulk.suppress.start"}
	BulkTag                  = Action{"bulk.tag"}
	BulkTagCanceled          = Action{"bulk.tag.canceled"}
	BulkTagCompleted         = Action{"bulk.tag.completed"}
	BulkTagFailed            = Action{"bulk.tag.failed"}
	BulkTagStart             = Action{"bulk.tag.start"}
	BulkTopic                = Action{"bulk.topic"}
	BulkTopicCanceled        = Action{"bulk.topic.canceled"}
	BulkTopicCompleted       = Action{"bulk.topic.completed"}
	BulkTopicFailed          = Action{"bulk.topic.failed"}
	BulkTopicStart           = Action{"bulk.topic.start"}
	CampaignApprovalAsk      = Action{"campaign.approval_ask"}
	CampaignApprovalWithdraw = Action{"campaign.approval_withdraw"}
	CampaignApprove          = Action{"campaign.approve"}
	CampaignArchive          = Action{"campaign.archive"}
	CampaignBatch            = Action{"campaign.batch"}
	CampaignCancel           = Action{"campaign.cancel"}
	CampaignComplete         = Action{"campaign.complete"}
	CampaignCreate           = Action{"campaign.create"}
	CampaignDelete           = Action{"campaign.delete"}
	CampaignDuplicate        = Action{"campaign.duplicate"}
	CampaignFail             = Action{"campaign.fail"}
	CampaignLabel            = Action{"campaign.label"}
	CampaignLaunch           = Action{"campaign.launch"}
	CampaignLaunchUndo       = Action{"campaign.launch_undo"}
	CampaignPause            = Action{"campaign.pause"}
	CampaignPrepared         = Action{"campaign.prepared"}
	CampaignResume           = Action{"campaign.resume"}
	CampaignRun              = Action{"campaign.run"}
	CampaignSchedule         = Action{"campaign.schedule"}
	CampaignSendBack         = Action{"campaign.send_back"}
	CampaignUnarchive        = Action{"campaign.unarchive"}
	CampaignUnschedule       = Action{"campaign.unschedule"}
	CampaignUpdate           = Action{"campaign.update"}
	CampaignWinner           = Action{"campaign.winner"}
	CampaignMessagesDownload = Action{"campaign_messages.download"}
	CannedReplyCreate        = Action{"canned_reply.create"}
	CannedReplyDelete        = Action{"canned_reply.delete"}
	CannedReplyUpdate        = Action{"canned_reply.update"}
	ConsentRecord            = Action{"consent.record"}
	ConsentSet               = Action{"consent.set"}
	ContactAddress           = Action{"contact.address"}
	ContactAddresses         = Action{"contact.addresses"}
	ContactCreate            = Action{"contact.create"}
	ContactErase             = Action{"contact.erase"}
	ContactMerge             = Action{"contact.merge"}
	ContactRedact            = Action{"contact.redact"}
	ContactTopic             = Action{"contact.topic"}
	ContactUpdate            = Action{"contact.update"}
	ContactDataDownload      = Action{"contact_data.download"}
	ContactProofDownload     = Action{"contact_proof.download"}
	ContactViewDelete        = Action{"contact_view.delete"}
	ContactViewSave          = Action{"contact_view.save"}
	ConversationAssign       = Action{"conversation.assign"}
	ConversationClose        = Action{"conversation.close"}
	ConversationLabel        = Action{"conversation.label"}
	ConversationNote         = Action{"conversation.note"}
	ConversationReopen       = Action{"conversation.reopen"}
	ConversationReply        = Action{"conversation.reply"}
	ConversationSnooze       = Action{"conversation.snooze"}
	DemoRemove               = Action{"demo.remove"}
	DemoSeed                 = Action{"demo.seed"}
	ExportDownload           = Action{"export.download"}
	ImportCancel             = Action{"import.cancel"}
	ImportCompleted          = Action{"import.completed"}
	ImportFailed             = Action{"import.failed"}
	ImportStart              = Action{"import.start"}
	ImportRejectsDownload    = Action{"import_rejects.download"}
	KeysRenew                = Action{"keys.renew"}
	KeysRotateAddresses      = Action{"keys.rotate_addresses"}
	KeywordAdd               = Action{"keyword.add"}
	KeywordAnswers           = Action{"keyword.answers"}
	KeywordRemove            = Action{"keyword.remove"}
	KeywordSwitch            = Action{"keyword.switch"}
	LabelCreate              = Action{"label.create"}
	LabelDelete              = Action{"label.delete"}
	LabelUpdate              = Action{"label.update"}
	MediaDelete              = Action{"media.delete"}
	MediaUpload              = Action{"media.upload"}
	MessageReconcile         = Action{"message.reconcile"}
	MessageResolve           = Action{"message.resolve"}
	MessageSend              = Action{"message.send"}
	MessageStaleAccept       = Action{"message.stale_accept"}
	MessageTestSend          = Action{"message.test_send"}
	MessageProofDownload     = Action{"message_proof.download"}
	OperatorConfirm          = Action{"operator.confirm"}
	OperatorCreate           = Action{"operator.create"}
	OperatorFactorAdd        = Action{"operator.factor_add"}
	OperatorFactorRemove     = Action{"operator.factor_remove"}
	OperatorFactorsReset     = Action{"operator.factors_reset"}
	OperatorLanguage         = Action{"operator.language"}
	OperatorLockout          = Action{"operator.lockout"}
	OperatorPasswordChange   = Action{"operator.password_change"}
	OperatorPasswordLink     = Action{"operator.password_link"}
	OperatorPasswordSet      = Action{"operator.password_set"}
	OperatorProviderLink     = Action{"operator.provider_link"}
	OperatorProviderUnlink   = Action{"operator.provider_unlink"}
	OperatorRecoveryCodes    = Action{"operator.recovery_codes"}
	OperatorReset            = Action{"operator.reset"}
	OperatorSetActive        = Action{"operator.set_active"}
	OperatorSignIn           = Action{"operator.sign_in"}
	OperatorSignInFailed     = Action{"operator.sign_in_failed"}
	OperatorSignOut          = Action{"operator.sign_out"}
	OperatorUpdate           = Action{"operator.update"}
	OptInRequest             = Action{"opt_in.request"}
	OptOutReviewDecide       = Action{"opt_out_review.decide"}
	ProviderCredentials      = Action{"provider.credentials"}
	ProviderLive             = Action{"provider.live"}
	RateCardUpdate           = Action{"rate_card.update"}
	RetentionRemove          = Action{"retention.remove"}
	RetentionUpdate          = Action{"retention.update"}
	SegmentCreate            = Action{"segment.create"}
	SegmentDelete            = Action{"segment.delete"}
	SegmentUpdate            = Action{"segment.update"}
	SenderCreate             = Action{"sender.create"}
	SenderFail               = Action{"sender.fail"}
	SenderPause              = Action{"sender.pause"}
	SenderResume             = Action{"sender.resume"}
	SenderUpdate             = Action{"sender.update"}
	SenderWebhook            = Action{"sender.webhook"}
	SendingConfirm           = Action{"sending.confirm"}
	SendingDoubt             = Action{"sending.doubt"}
	SendingRelease           = Action{"sending.release"}
	ServiceAccountCreate     = Action{"service_account.create"}
	SettingsUpdate           = Action{"settings.update"}
	SuppressionAdd           = Action{"suppression.add"}
	SuppressionImport        = Action{"suppression.import"}
	SuppressionRemove        = Action{"suppression.remove"}
	SuppressionsDownload     = Action{"suppressions.download"}
	TeamAdd                  = Action{"team.add"}
	TeamRemove               = Action{"team.remove"}
	TemplateCategory         = Action{"template.category"}
	TemplateCreate           = Action{"template.create"}
	TemplateDelete           = Action{"template.delete"}
	TemplateImport           = Action{"template.import"}
	TemplateRestore          = Action{"template.restore"}
	TemplateUpdate           = Action{"template.update"}
	TopicCreate              = Action{"topic.create"}
	TopicDelete              = Action{"topic.delete"}
	TopicUpdate              = Action{"topic.update"}
)
