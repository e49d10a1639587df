/** The sections of a project's settings, in the order of the navigation; the last part of their addresses. */
export const projectSections = [
  { key: 'general', label: 'General' },
  { key: 'agents', label: 'Agents' },
  { key: 'automation', label: 'Automation and limits' },
  { key: 'budgets', label: 'Budgets' },
  { key: 'branches', label: 'Branches' },
  { key: 'review', label: 'Review' },
  { key: 'members', label: 'Members' },
  { key: 'models', label: 'Models' },
  { key: 'secrets', label: 'Secrets' },
  { key: 'mcp-servers', label: 'MCP servers' },
  { key: 'start-up', label: 'Start-up' },
  { key: 'sandbox', label: 'Sandbox' },
  { key: 'recording', label: 'Recording' },
  { key: 'guidelines', label: 'Guidelines' },
  { key: 'config', label: 'helix.yaml' },
  { key: 'danger', label: 'Danger zone' },
] as const
export type ProjectSection = (typeof projectSections)[number]['key']
