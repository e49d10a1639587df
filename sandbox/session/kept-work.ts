import { Checkpoints, type CheckpointsInput } from './checkpoint/checkpoints.ts'
import { safetyPush } from './git/safety-push.ts'
import type { Recorder } from './journal/recorder.ts'
import type { Workspace } from './workspace.ts'

/** Units: milliseconds. How long the end of a turn waits for a control plane that is away; a cancelled one is wanted sooner. */
const pushDeadlineMs = { turn: 120_000, cancelled: 10_000 }
/** Units: milliseconds. What is left of the time above for the checkpoint, at the least; and how long one may take when the session ends. */
const checkpointDeadlineMs = { least: 5000, end: 10_000 }

interface KeptWorkInput extends CheckpointsInput {
  recorder: Pick<Recorder, 'notice'>
  workspace(): Workspace
}

/** What an agent has done outlives its machine: commits are pushed where they belong, and everything is kept in a checkpoint beside that. */
export class KeptWork {
  private readonly checkpoints: Checkpoints
  private readonly input: KeptWorkInput

  constructor(input: KeptWorkInput) {
    this.input = input
    this.checkpoints = new Checkpoints(input)
  }

  /** Answers with what people are to know. */
  async afterTurn(cancelled: boolean, promptId: string): Promise<string[]> {
    const deadlineMs = cancelled ? pushDeadlineMs.cancelled : pushDeadlineMs.turn
    const end = Date.now() + deadlineMs
    const workspace = this.input.workspace()
    const notices = await safetyPush({ ...workspace, deadlineMs })
    const left = Math.max(checkpointDeadlineMs.least, end - Date.now())
    return [...notices, ...(await this.checkpoints.keep(workspace, { cause: 'turn', promptId, deadlineMs: left }))]
  }

  async atEnd(): Promise<void> {
    const kept = this.checkpoints.keep(this.input.workspace(), { cause: 'suspend', promptId: null, deadlineMs: checkpointDeadlineMs.end })
    for (const text of await kept) this.input.recorder.notice(text)
  }
}
