import { type OrgPermission, type Role, roleGrants } from '@helix/contract/permissions'

export const groups = ['Account', 'Organisation', 'Installation'] as const
export type Group = (typeof groups)[number]

export interface SettingsSection {
  /** The last part of its address: `/settings/<key>`, a folder of routes. */
  key: string
  label: string
  group: Group
  /** Null: everybody sees it. */
  permission: OrgPermission | null
  /** More words the palette finds it by. */
  keywords?: string
  /** A table that takes the whole width. */
  wide?: boolean
}

/** Every page of the settings, in the order of the navigation. */
export const sections: readonly SettingsSection[] = [
  { key: 'profile', label: 'Profile', group: 'Account', permission: null, keywords: 'theme sign out name' },
  { key: 'password', label: 'Password', group: 'Account', permission: null },
  { key: 'security', label: 'Security', group: 'Account', permission: null, keywords: 'two factor passkey sessions totp' },
  { key: 'keys', label: 'API keys', group: 'Account', permission: null, keywords: 'token ci' },
  { key: 'own-keys', label: 'Own keys', group: 'Account', permission: null, keywords: 'providers models openai anthropic byok' },
  { key: 'notifications', label: 'Notifications', group: 'Account', permission: null, keywords: 'e-mail push webhook quiet hours mute' },
  { key: 'organisation', label: 'General', group: 'Organisation', permission: null, keywords: 'name leave' },
  { key: 'people', label: 'People', group: 'Organisation', permission: null, keywords: 'invite members roles' },
  { key: 'teams', label: 'Teams', group: 'Organisation', permission: null },
  {
    key: 'sign-in',
    label: 'Sign-in',
    group: 'Organisation',
    permission: 'organisation:write',
    keywords: 'sso oidc github gitlab registration',
  },
  {
    key: 'providers',
    label: 'Providers',
    group: 'Organisation',
    permission: 'organisation:write',
    keywords: 'models inference openai anthropic gemini bedrock prices aliases regions',
  },
  { key: 'service-accounts', label: 'Service accounts', group: 'Organisation', permission: 'organisation:write', keywords: 'ci bot keys' },
  { key: 'secrets', label: 'Secrets', group: 'Organisation', permission: 'organisation:write', keywords: 'environment variables tokens' },
  { key: 'deleted-projects', label: 'Deleted projects', group: 'Organisation', permission: null, keywords: 'restore undo' },
  {
    key: 'budgets',
    label: 'Budgets',
    group: 'Organisation',
    permission: 'organisation:write',
    keywords: 'cost limit money tokens rate spend',
  },
  { key: 'webhooks', label: 'Webhooks', group: 'Organisation', permission: 'organisation:write', keywords: 'slack chat' },
  { key: 'mail', label: 'Mail', group: 'Organisation', permission: 'organisation:write', keywords: 'smtp log' },
  { key: 'audit', label: 'Audit log', group: 'Organisation', permission: 'audit:read', keywords: 'export history', wide: true },
  { key: 'system', label: 'System', group: 'Installation', permission: null, keywords: 'version inference api reference' },
]

/** What a person of this role is shown. */
export function sectionsFor(role: Role): SettingsSection[] {
  return sections.filter(({ permission }) => permission === null || roleGrants(role, permission))
}

export const firstSection = sections[0] as SettingsSection
