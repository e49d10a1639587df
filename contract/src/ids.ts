import { z } from 'zod'

/**
 * TypeIDs: `<prefix>_<26 characters of Crockford base32>` over a UUIDv7, so that ids sort by creation time.
 * Source: https://github.com/jetify-com/typeid
 */
export const idPrefixes = {
  org: 'org',
  user: 'usr',
  project: 'prj',
  repository: 'repo',
  task: 'tsk',
  session: 'ses',
  prompt: 'prm',
  revision: 'rev',
  comment: 'cmt',
  review: 'rvw',
  push: 'psh',
  host: 'hst',
  apiKey: 'key',
  invitation: 'inv',
  team: 'team',
  label: 'lbl',
  attachment: 'att',
  view: 'view',
  template: 'tpl',
  inboxItem: 'inb',
  secret: 'sec',
  audit: 'aud',
  mail: 'mail',
  webhook: 'whk',
  delivery: 'dlv',
  pushSubscription: 'sub',
  connection: 'con',
  passkey: 'pky',
  link: 'lnk',
  approval: 'apv',
  permissionRequest: 'prq',
  codeComment: 'ccm',
  budget: 'bgt',
  budgetStop: 'bst',
  provider: 'prv',
  providerKey: 'pvk',
  mcpServer: 'mcp',
  mcpCall: 'mcc',
} as const

export type IdKind = keyof typeof idPrefixes

/** A branded id of one kind; the brand exists for the compiler only. */
export type Id<K extends IdKind> = string & { readonly __id: K }

export function idSchema<K extends IdKind>(kind: K) {
  const prefix = idPrefixes[kind]
  const schema = z.string().regex(new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`), `expected an id like ${prefix}_…`)
  // A brand and not a transform: OpenAPI can describe it, and nothing runs.
  return schema as unknown as z.ZodType<Id<K>, string>
}

export type OrgId = Id<'org'>
export type UserId = Id<'user'>
export type ProjectId = Id<'project'>
export type RepositoryId = Id<'repository'>
export type TaskId = Id<'task'>
export type SessionId = Id<'session'>
export type PromptId = Id<'prompt'>
export type RevisionId = Id<'revision'>
export type CommentId = Id<'comment'>
export type ReviewId = Id<'review'>
export type PushId = Id<'push'>
export type HostId = Id<'host'>
export type ApiKeyId = Id<'apiKey'>
export type InvitationId = Id<'invitation'>
export type TeamId = Id<'team'>
export type LabelId = Id<'label'>
export type AttachmentId = Id<'attachment'>
export type InboxItemId = Id<'inboxItem'>
export type WebhookId = Id<'webhook'>
export type DeliveryId = Id<'delivery'>
export type MailId = Id<'mail'>
export type AuditId = Id<'audit'>
export type SecretId = Id<'secret'>
export type BudgetId = Id<'budget'>
export type BudgetStopId = Id<'budgetStop'>
export type ProviderId = Id<'provider'>
export type McpServerId = Id<'mcpServer'>
export type McpCallId = Id<'mcpCall'>
