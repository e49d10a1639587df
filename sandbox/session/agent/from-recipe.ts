import { join } from 'node:path'
import type { SessionFile } from '@helix/contract/link'
import type { AgentKeeperInput } from './keeper.ts'
import { recipes } from './recipes.ts'

/** How the session's agent is started, as its runtime's recipe says. `env`: for every process of the session; what the agent itself is told wins. */
export function fromRecipe(input: {
  session: SessionFile
  /** Folder of all packs. */
  packs: string
  stateFolder: string
  env: Record<string, string>
}): Pick<AgentKeeperInput, 'runtime' | 'launch' | 'failureIn'> {
  const { session, packs, stateFolder, env } = input
  const { agentRuntime: runtime, token, model, permissionMode } = session
  const recipe = recipes[runtime]
  const origin = session.controlPlaneUrl.replace(/\/$/, '')
  const launch = recipe.launch({ pack: join(packs, runtime), stateFolder, origin, token, model, permissionMode })
  launch.env = { ...env, ...launch.env }
  return { runtime, launch, failureIn: (lastWords) => recipe.failureIn?.(lastWords) ?? null }
}
