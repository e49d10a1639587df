import type { AgentRuntime } from '@helix/contract/agents'

export interface PackDefinition {
  /** npm package and exact version: the same pack on every host. */
  name: string
  version: string
}

/** The agents that sessions can have. How each is launched is a recipe of the supervisor. */
export const catalogue: Record<AgentRuntime, PackDefinition> = {
  goose_code: { name: '@aaif/goose-acp', version: '1.50.0' },
  claude_code: { name: '@agentclientprotocol/claude-agent-acp', version: '0.101.0' },
}

/** Installed before anybody asks. */
export const defaultRuntime: AgentRuntime = 'goose_code'

/** Volumes of packs begin with it; tests have one of their own. */
export const packPrefix = 'helix-pack'

export const packVolume = (prefix: string, runtime: AgentRuntime): string => `${prefix}-${runtime}-${catalogue[runtime].version}`
