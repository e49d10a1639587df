import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { Readable, Writable } from 'node:stream'
import type { McpServer } from '@agentclientprotocol/sdk'
import { reasonOf } from '../log.ts'
import { familyOf, isShell, killAll, type ProcessRow, readProcesses } from '../process-table.ts'
import type { Redactor } from '../redactor.ts'
import { killGroup } from '../run.ts'
import { type AgentUser, giveTo, spawnAs } from '../user.ts'
import { type AcpEvents, type AcpLink, connectAcp } from './acp.ts'
import { endReason } from './end-reason.ts'
import type { Launch } from './recipe.ts'

/** Units: characters of the agent’s standard error kept for the reason of its end. */
const keptOfStderr = 2000

/** One running agent. */
export class AgentProcess {
  readonly acp: AcpLink
  /** Resolves with the reason when the process has ended. */
  readonly ended: Promise<string>
  private readonly child: ChildProcess
  private reason: string | null = null
  private family: ProcessRow[] = []

  private constructor(child: ChildProcess, acp: AcpLink, ended: Promise<string>) {
    this.child = child
    this.acp = acp
    this.ended = ended
    void ended.then((reason) => (this.reason = reason))
  }

  /** Starts the process; throws when it cannot be started. Nothing has been said to it yet. */
  static async start(input: {
    user: AgentUser
    launch: Launch
    cwd: string
    redactor: Redactor
    events: AcpEvents
    mcpServers: readonly McpServer[]
  }): Promise<AgentProcess> {
    const { user, launch, cwd, redactor, events, mcpServers } = input
    for (const { path, text } of launch.files) {
      await writeFile(path, text, { mode: 0o600 })
      await giveTo(user, path)
    }
    const child = spawnAs(user, launch.command, launch.args, { cwd, env: launch.env, stdio: ['pipe', 'pipe', 'pipe'] })
    const { stdin, stdout, stderr } = child
    if (stdin === null || stdout === null || stderr === null) throw new Error('the agent has no standard streams')
    let said = ''
    stderr.setEncoding('utf8')
    stderr.on('data', (chunk: string) => {
      said = (said + chunk).slice(-keptOfStderr)
    })
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(endReason(code, signal, redactor.text(said))))
      child.once('error', (error) => resolve(`the agent cannot be started: ${reasonOf(error)}`))
    })
    // Writing to an agent that has just died is answered by its end, not by this stream.
    stdin.on('error', () => undefined)
    if (child.pid === undefined) throw new Error(await ended)
    return new AgentProcess(child, connectAcp(Writable.toWeb(stdin), Readable.toWeb(stdout), events, mcpServers), ended)
  }

  /** Null when the process has ended. */
  get pid(): number | null {
    return this.reason === null ? (this.child.pid ?? null) : null
  }

  /** Remembers what runs below the agent, so that it is found even when the agent has died and its children have other parents. */
  async observe(): Promise<void> {
    if (this.child.pid === undefined || this.reason !== null) return
    this.family = familyOf(this.child.pid, await readProcesses())
  }

  /** Shells, with what runs in them, that the agent started since a moment. */
  async shellsSince(before: readonly ProcessRow[]): Promise<ProcessRow[]> {
    const rows = await readProcesses()
    const old = new Set(before.map((row) => `${row.pid} ${row.started}`))
    const shells = familyOf(this.child.pid ?? -1, rows).filter((row) => isShell(row) && !old.has(`${row.pid} ${row.started}`))
    return shells.flatMap((shell) => familyOf(shell.pid, rows))
  }

  /** What runs below the agent now. */
  async processes(): Promise<ProcessRow[]> {
    await this.observe()
    return this.family
  }

  /** Ends the agent: politely, then by force, and whatever it leaves behind. */
  async stop(graceMs: number): Promise<void> {
    await this.observe()
    if (this.reason === null) {
      killGroup(this.child.pid, 'SIGTERM')
      await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, graceMs).unref())])
    }
    killGroup(this.child.pid, 'SIGKILL')
    await this.ended
    await this.killLeftovers()
    this.acp.close()
  }

  /** After its end: its processes that outlived it. */
  async killLeftovers(): Promise<void> {
    const rows = await readProcesses()
    await killAll([...this.family, ...familyOf(this.child.pid ?? -1, rows)])
  }
}
