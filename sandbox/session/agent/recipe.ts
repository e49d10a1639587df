import type { PermissionMode } from '@helix/contract/permission-mode'

/** What an agent's launch depends on. */
export interface RecipeInput {
  /** The read-only agent pack, an npm prefix. */
  pack: string
  /** The agent's own state, on the session's volume. */
  stateFolder: string
  /** Origin of the control plane. */
  origin: string
  token: string
  model: string
  /** `ask`: the agent asks before it uses a tool. */
  permissionMode: PermissionMode
}

export interface Launch {
  command: string
  args: string[]
  env: Record<string, string>
  /** Settings written before each start, by absolute path. */
  files: { path: string; text: string }[]
}

/** What an agent says as its last words when it could not ask its model; `passing`: the same may work in a moment. */
export interface ProviderFailure {
  reason: string
  passing: boolean
}

/** How one agent runtime is started so that it speaks ACP on its standard streams and asks our gateway for inference. */
export interface Recipe {
  launch(input: RecipeInput): Launch
  /** For agents that end their turn as if all were well: the failure in their last words, if that is what they are. */
  failureIn?(lastWords: string): ProviderFailure | null
}
