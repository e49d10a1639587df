import type { McpServer } from '@agentclientprotocol/sdk'
import type { SessionFile } from '@helix/contract/link'

/** The desktop's tools: another server of this name would take their place. */
const own = 'desktop'

/** MCP servers of the project, by way of the control plane: it has their credentials, and this session's token opens it. */
export function outsideServers({
  mcpServers = [],
  controlPlaneUrl,
  token,
}: Pick<SessionFile, 'mcpServers' | 'controlPlaneUrl' | 'token'>): McpServer[] {
  return mcpServers
    .filter(({ name }) => name !== own)
    .map(({ name, path }) => ({
      type: 'http' as const,
      name,
      url: new URL(path, controlPlaneUrl).href,
      headers: [{ name: 'Authorization', value: `Bearer ${token}` }],
    }))
}
