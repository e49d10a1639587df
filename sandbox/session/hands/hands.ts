import type { DesktopAction } from '@helix/contract/desktop-action'
import { type Log, reasonOf } from '../log.ts'
import { tools } from './catalogue.ts'
import { closest } from './closest.ts'
import type { Desktop, Picture } from './desktop.ts'
import { mayAct } from './driver.ts'
import { Pictures } from './pictures.ts'
import { Refusal } from './refusal.ts'
import type { Outcome, Tool } from './tool.ts'

/** Calls that may wait for others. */
const mostWaiting = 32

/** What the agent is told. */
export interface Told {
  text: string
  picture: Picture | null
  failed: boolean
}

export interface HandsInput {
  desktop: Desktop
  /** What was done, for the conversation. `callId`: the agent's own id of the call, where it says one. */
  did(action: DesktopAction, told: Told, callId: string | null): void
  log: Log
  /** Units: milliseconds that an action waits for a person who drives. */
  waitMs?: number
}

/** The agent's hands: one thing at a time, in the order it was asked. */
export class AgentHands {
  private readonly input: HandsInput
  private readonly pictures = new Pictures()
  private queue: Promise<unknown> = Promise.resolve()
  private waiting = 0

  constructor(input: HandsInput) {
    this.input = input
  }

  /** Never rejects: what goes wrong is told. */
  call(name: string, args: unknown, signal: AbortSignal, callId: string | null = null): Promise<Told> {
    if (this.waiting >= mostWaiting) return Promise.resolve(failed(`${mostWaiting} calls wait already: wait for their answers.`))
    this.waiting += 1
    const done = this.queue.then(() => this.one(name, args, signal, callId)).finally(() => (this.waiting -= 1))
    this.queue = done
    return done
  }

  private async one(name: string, args: unknown, signal: AbortSignal, callId: string | null): Promise<Told> {
    try {
      if (signal.aborted) return failed('Cancelled before it began.')
      const tool = tools.find((one) => one.name === name)
      if (tool === undefined) throw new Refusal(`There is no tool ${name.slice(0, 40)}. ${nearOf(name)}`)
      return await this.run(tool, argumentsOf(tool, args), signal, callId)
    } catch (error) {
      if (!(error instanceof Refusal))
        this.input.log.warn('a tool of the desktop failed', { tool: name.slice(0, 40), reason: reasonOf(error) })
      return failed(reasonOf(error))
    }
  }

  private async run(tool: Tool, args: never, signal: AbortSignal, callId: string | null): Promise<Told> {
    const { desktop } = this.input
    await desktop.start()
    const note = tool.acts(args) ? await mayAct(desktop, signal, this.input.waitMs) : null
    if (signal.aborted) return failed('Cancelled before it began.')
    const { sequence } = desktop
    const outcome = await tool.run(args, { desktop, pictures: this.pictures, signal })
    const told = { text: note === null ? outcome.text : `${outcome.text} ${note}`, picture: outcome.picture ?? null, failed: false }
    const action = actionOf(tool, outcome, sequence)
    if (tool.acts(args)) desktop.acted({ action: tool.name, place: outcome.place ?? null })
    this.input.did(action, told, callId)
    return told
  }
}

function actionOf(tool: Tool, { place, picture }: Outcome, sequence: number | null): DesktopAction {
  return {
    action: tool.name,
    x: place?.x ?? null,
    y: place?.y ?? null,
    sequence: picture?.sequence ?? sequence,
    atUs: picture?.capturedUs ?? Date.now() * 1000,
  }
}

function argumentsOf({ name, schema }: Tool, args: unknown): never {
  const parsed = schema.safeParse(args ?? {})
  if (parsed.success) return parsed.data as never
  const [issue] = parsed.error.issues
  const field = issue?.path.join('.') ?? ''
  throw new Refusal(`${name}: ${field === '' ? '' : `${field}: `}${issue?.message ?? 'not understood'}.`)
}

function nearOf(name: string): string {
  const names = tools.map((tool) => tool.name)
  const near = closest(name, names)
  return near.length > 0 ? `Is it ${near.join(' or ')}?` : `There are: ${names.join(', ')}.`
}

const failed = (text: string): Told => ({ text, picture: null, failed: true })
