import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { HelixError } from '@helix/contract/errors'
import { type FileEntry, uploadMostBytes } from '@helix/contract/machine-use'
import { killGroup, run } from '../run.ts'
import { type AgentUser, spawnAs } from '../user.ts'
import { pathInside } from './paths.ts'

const mostEntries = 5000
/** Units: milliseconds. */
const listMs = 20_000
const kinds: Record<string, FileEntry['kind']> = { f: 'file', d: 'folder', l: 'link' }
const letter = { 'a file': '-f', 'a folder': '-d' }

/** Files of the workspace. All is done as the agent's user, so that no link leads to what only the supervisor may read. */
export class Files {
  private readonly workspace: string
  private readonly user: AgentUser

  constructor(workspace: string, user: AgentUser) {
    this.workspace = workspace
    this.user = user
  }

  async list(path: string): Promise<{ path: string; items: FileEntry[]; truncated: boolean }> {
    const folder = await this.find(path, 'a folder')
    const format = ['-mindepth', '1', '-maxdepth', '1', '!', '-name', '.helix', '-printf', '%y\\t%s\\t%T@\\t%f\\0']
    const script = `find "$1" ${format.map((one) => `'${one}'`).join(' ')} | head -zn ${mostEntries + 1}`
    const found = await run(this.user, '/bin/sh', ['-c', script, 'sh', folder], { cwd: this.workspace, timeoutMs: listMs })
    if (found.timedOut) throw new HelixError('conflict', `${path} takes too long to list.`)
    const items = found.stdout.split('\0').slice(0, -1).map(entryOf)
    const order = (entry: FileEntry): string => `${entry.kind === 'folder' ? 0 : 1}${entry.name.toLowerCase()}`
    items.sort((one, other) => (order(one) < order(other) ? -1 : 1))
    return { path: folder, items: items.slice(0, mostEntries), truncated: items.length > mostEntries }
  }

  async read(path: string, response: ServerResponse): Promise<void> {
    const file = await this.find(path, 'a file')
    const child = spawnAs(this.user, 'cat', ['--', file], { cwd: this.workspace, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + String(chunk)).slice(-500)
    })
    const end = new Promise<number | null>((resolve) => child.once('close', resolve))
    // A download that is given up must not leave its reader behind.
    response.once('close', () => killGroup(child.pid, 'SIGKILL'))
    const first = await new Promise<Buffer | null>((resolve) => {
      child.stdout?.once('data', resolve)
      child.stdout?.once('end', () => resolve(null))
    })
    if (first === null && (await end) !== 0) throw new HelixError('not_found', said.trim() || `${path} cannot be read.`)
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    if (first === null || child.stdout === null) return void response.end()
    response.write(first)
    await pipeline(child.stdout, response, { end: false })
    if ((await end) === 0) response.end()
    else response.destroy()
  }

  /** The file is there as a whole or not at all: what was cut off looks to its reader like what has ended, so that only we may give it its name. */
  async write(path: string, request: IncomingMessage): Promise<{ size: number }> {
    if (Number(request.headers['content-length'] ?? 0) > uploadMostBytes) throw tooLarge()
    const file = await pathInside(this.workspace, path, true)
    const draft = `${file}.upload-${randomBytes(4).toString('hex')}`
    try {
      const size = await this.receive(draft, request)
      await this.must('mv', ['-T', '--', draft, file])
      return { size }
    } catch (error) {
      await run(this.user, 'rm', ['-f', '--', draft], { cwd: this.workspace, timeoutMs: listMs })
      throw error
    }
  }

  private async receive(draft: string, request: IncomingMessage): Promise<number> {
    await this.must('mkdir', ['-p', '--', dirname(draft)])
    const child = spawnAs(this.user, '/bin/sh', ['-c', 'exec cat >"$1"', 'sh', draft], {
      cwd: this.workspace,
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + String(chunk)).slice(-500)
    })
    const end = new Promise<number | null>((resolve) => child.once('close', resolve))
    const { stdin } = child
    if (stdin === null) throw new Error('no standard input')
    let size = 0
    try {
      await pipeline(
        request,
        async function* (source: AsyncIterable<Buffer>) {
          for await (const chunk of source) {
            size += chunk.length
            if (size > uploadMostBytes) throw tooLarge()
            yield chunk
          }
        },
        stdin,
      )
    } catch (error) {
      killGroup(child.pid, 'SIGKILL')
      await end
      if (error instanceof HelixError) throw error
      throw new HelixError('conflict', said.trim() || 'The upload was cut off.')
    }
    if ((await end) !== 0) throw new HelixError('conflict', said.trim() || 'The file cannot be written.')
    return size
  }

  private async must(command: string, args: readonly string[]): Promise<void> {
    const { code, stderr } = await run(this.user, command, args, { cwd: this.workspace, timeoutMs: listMs })
    if (code !== 0) throw new HelixError('conflict', stderr.trim().slice(-500) || `${command} failed.`)
  }

  private async find(path: string, wanted: keyof typeof letter): Promise<string> {
    const real = await pathInside(this.workspace, path, false)
    const { code } = await run(this.user, 'test', [letter[wanted], real], { cwd: this.workspace, timeoutMs: listMs })
    if (code !== 0) throw new HelixError('not_found', `${path} is not ${wanted}, or may not be read by the agent.`)
    return real
  }
}

const tooLarge = (): HelixError => new HelixError('too_large', `A file may have ${uploadMostBytes / 1024 ** 3} GiB.`)

function entryOf(line: string): FileEntry {
  const [kind = '', size = '0', at = '0', ...name] = line.split('\t')
  return { name: name.join('\t'), kind: kinds[kind] ?? 'other', size: Number(size), modifiedAt: new Date(Number(at) * 1000).toISOString() }
}
