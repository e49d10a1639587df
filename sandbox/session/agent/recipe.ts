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
}

export interface Launch {
  command: string
  args: string[]
  env: Record<string, string>
  /** Settings written before each start, by absolute path. */
  files: { path: string; text: string }[]
}

/** How one agent runtime is started so that it speaks ACP on its standard streams and asks our gateway for inference. */
export type Recipe = (input: RecipeInput) => Launch
