import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { AgentRuntime } from '@helix/contract/agents'
import { agentRuntime } from '@helix/contract/agents'
import { z } from 'zod'

const schema = z.object({
  /** The agent's own session, to load after a restart. */
  agentSession: z.object({ runtime: agentRuntime, id: z.string() }).nullable(),
  /** Journal entries up to here are stored by the control plane. */
  acknowledged: z.number().int().min(0),
  /** The worktree of the specs was made to its end. */
  specsWhole: z.boolean(),
  /** The newest checkpoint made of this volume, or that it was begun with, and what it held. */
  checkpoint: z.object({ n: z.number().int(), held: z.string(), agent: z.string().nullable() }).nullable().default(null),
  /** Session and number of the checkpoint that the volume was begun with. */
  restored: z.string().nullable().default(null),
  /** What was said of the image that the session runs on. */
  imageTold: z.string().default(''),
})

type Values = z.infer<typeof schema>

/** What the supervisor must know after a restart and the journal does not say; `/workspace/.helix/state.json`. */
export class State {
  private readonly path: string
  private values: Values

  constructor(path: string) {
    this.path = path
    this.values = read(path)
  }

  agentSession(runtime: AgentRuntime): string | null {
    return this.values.agentSession?.runtime === runtime ? this.values.agentSession.id : null
  }

  get acknowledged(): number {
    return this.values.acknowledged
  }

  get specsWhole(): boolean {
    return this.values.specsWhole
  }

  get checkpoint(): Values['checkpoint'] {
    return this.values.checkpoint
  }

  get restored(): string | null {
    return this.values.restored
  }

  /** False: it was said before. */
  setImageTold(imageTold: string): boolean {
    if (this.values.imageTold === imageTold) return false
    this.values = { ...this.values, imageTold }
    this.save()
    return true
  }

  setCheckpoint(checkpoint: Values['checkpoint']): void {
    this.values = { ...this.values, checkpoint }
    this.save()
  }

  setRestored(name: string, checkpoint: Values['checkpoint']): void {
    this.values = { ...this.values, restored: name, checkpoint }
    this.save()
  }

  setSpecsWhole(): void {
    this.values = { ...this.values, specsWhole: true }
    this.save()
  }

  setAgentSession(runtime: AgentRuntime, id: string): void {
    this.values = { ...this.values, agentSession: { runtime, id } }
    this.save()
  }

  /** Held in memory until `save`: an older number only means that some entries are sent again. */
  setAcknowledged(upTo: number): void {
    if (upTo > this.values.acknowledged) this.values = { ...this.values, acknowledged: upTo }
  }

  /** Replaces the file as a whole, so that a dying process leaves the old or the new one. */
  save(): void {
    writeFileSync(`${this.path}.new`, JSON.stringify(this.values), { mode: 0o600 })
    renameSync(`${this.path}.new`, this.path)
  }
}

function read(path: string): Values {
  const none = { agentSession: null, acknowledged: 0, specsWhole: false, checkpoint: null, restored: null, imageTold: '' }
  try {
    const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    return parsed.success ? parsed.data : none
  } catch (error) {
    // Not there on the first start; half a file after a loss of power. Both cost a repetition at most.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return none
    throw error
  }
}
