import type { AgentRuntime } from '@helix/contract/agents'
import type { Recipe } from './recipe.ts'
import { claudeCode } from './recipes/claude-code.ts'
import { gooseCode } from './recipes/goose-code.ts'

export const recipes: Record<AgentRuntime, Recipe> = { goose_code: gooseCode, claude_code: claudeCode }
