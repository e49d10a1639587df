import { z } from 'zod'

/** Agent runtimes that can be chosen today; each is an agent pack on the sandbox hosts. */
export const agentRuntimes = ['goose_code', 'claude_code'] as const
export type AgentRuntime = (typeof agentRuntimes)[number]
export const agentRuntime = z.enum(agentRuntimes)

/** Names for people. */
export const agentRuntimeNames: Record<AgentRuntime, string> = { goose_code: 'Goose', claude_code: 'Claude Code' }

/** The dialect of the gateway that a runtime speaks. */
export const dialectOf: Record<AgentRuntime, 'openai' | 'anthropic'> = { goose_code: 'openai', claude_code: 'anthropic' }
