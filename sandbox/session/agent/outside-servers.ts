import type { McpServer } from '@agentclientprotocol/sdk'
import type { SessionFile } from '@helix/contract/link'

/** The desktop's tools: another server of this name would take their place. */
const own = 'desktop'

type Told = Pick<SessionFile, 'mcpServers' | 'controlPlaneUrl' | 'token'>

/** MCP servers of the project, by way of the control plane: it has their credentials, and this session's token, which goes nowhere else, opens it. */
export function outsideServers({ mcpServers = [], controlPlaneUrl, token }: Told): McpServer[] {
  const { origin } = new URL(controlPlaneUrl)
  return mcpServers.flatMap(({ name, path }) => {
    const url = URL.parse(path, controlPlaneUrl)
    if (name === own || url?.origin !== origin) return []
    return [{ type: 'http' as const, name, url: url.href, headers: [{ name: 'Authorization', value: `Bearer ${token}` }] }]
  })
}
