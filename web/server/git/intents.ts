import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { PushId, SessionId, UserId } from '@helix/contract/ids'
import { processLives } from './process.ts'

export interface RefMove {
  ref: string
  /** Null where the ref did not exist. */
  oldCommit: string | null
  /** Null where the ref is deleted. */
  newCommit: string | null
}

export type Pusher = { kind: 'person'; id: UserId } | { kind: 'session'; id: SessionId } | { kind: 'system'; id: 'helix' }

/** What somebody was about to do, noted before git moved a ref. */
export interface Intent {
  id: PushId
  pusher: Pusher
  /** The process that moves the refs. */
  host: string
  pid: number
  notedAt: number
  moves: RefMove[]
  /** What git says it moved; null when it did not come to saying so. */
  moved: RefMove[] | null
}

const folder = (gitDir: string): string => join(gitDir, 'helix-intents')
const zero = /^0+$/
const idPattern = /^psh_[0-9a-z]{26}$/

function ifThere<T>(found: Promise<T>): Promise<T | null> {
  return found.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
}

const readIfThere = (path: string): Promise<string | null> => ifThere(readFile(path, 'utf8'))

function parseMoves(lines: string[]): RefMove[] {
  return lines.flatMap((line) => {
    const match = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (refs\/.+)$/s.exec(line)
    const [, from, to, ref] = match ?? []
    // Checkpoints are nobody's push.
    if (from === undefined || to === undefined || ref === undefined || ref.startsWith('refs/helix/')) return []
    return [{ ref, oldCommit: zero.test(from) ? null : from, newCommit: zero.test(to) ? null : to }]
  })
}

async function readIntent(gitDir: string, id: string): Promise<Intent | null> {
  const path = join(folder(gitDir), id)
  const [text, status] = await Promise.all([readIfThere(path), ifThere(stat(path))])
  if (text === null || status === null) return null
  const [pusherLine = '', processLine = '', ...lines] = text.split('\n')
  const [, kind, pusherId] = /^pusher (person|session|system) (\S+)$/.exec(pusherLine) ?? []
  const [, host = '', pid = '0'] = /^process (\S+) (\d+)$/.exec(processLine) ?? []
  if (kind === undefined || pusherId === undefined) {
    // After a power cut a file may be empty. Set aside, the refs it meant become a push of nobody.
    await rename(path, `${path}.unreadable`)
    return null
  }
  const moved = await readIfThere(`${path}.moved`)
  return {
    id: id as PushId,
    pusher: { kind, id: pusherId } as Pusher,
    host,
    pid: Number(pid),
    notedAt: status.mtimeMs,
    moves: parseMoves(lines),
    moved: moved === null ? null : parseMoves(moved.split('\n')),
  }
}

/** Every intent of a repository, oldest first. */
export async function listIntents(gitDir: string): Promise<Intent[]> {
  const names = await ifThere(readdir(folder(gitDir)))
  if (names === null) return []
  const intents = await Promise.all(names.filter((name) => idPattern.test(name)).map((name) => readIntent(gitDir, name)))
  return intents.filter((intent) => intent !== null).sort((a, b) => a.notedAt - b.notedAt)
}

/** Notes what this process is about to do, in the form the hook uses. */
export async function noteIntent(gitDir: string, id: PushId, pusher: Pusher, move: RefMove): Promise<void> {
  const none = '0'.repeat((move.oldCommit ?? move.newCommit ?? '').length)
  const text = `pusher ${pusher.kind} ${pusher.id}\nprocess ${hostname()} ${process.pid}\n${move.oldCommit ?? none} ${move.newCommit ?? none} ${move.ref}\n`
  await mkdir(folder(gitDir), { recursive: true, mode: 0o700 })
  const draft = join(folder(gitDir), `.${id}`)
  await writeFile(draft, text, { mode: 0o600 })
  await rename(draft, join(folder(gitDir), id))
}

/**
 * After a receive-pack that ended by itself: git leaves no truth beside an intent none of whose refs moved, so that it is written here.
 * Without it a ref that another push brought to the same commit would count for this one too.
 */
export async function settleIntent(gitDir: string, id: PushId): Promise<void> {
  const path = join(folder(gitDir), id)
  if ((await readIfThere(path)) === null || (await readIfThere(`${path}.moved`)) !== null) return
  await writeFile(`${path}.moved`, '', { mode: 0o600 })
}

/** The reflog of a ref names this move. */
export async function reflogHas(gitDir: string, move: RefMove): Promise<boolean> {
  const text = await readIfThere(join(gitDir, 'logs', move.ref))
  if (text === null || move.newCommit === null) return false
  const from = move.oldCommit ?? '0'.repeat(move.newCommit.length)
  return text.split('\n').some((line) => line.startsWith(`${from} ${move.newCommit} `))
}

/** Already gone is not an error. The truth beside an intent goes after it: without the intent nobody reads it. */
export async function removeIntent(gitDir: string, id: PushId): Promise<void> {
  await rm(join(folder(gitDir), id), { force: true })
  await rm(join(folder(gitDir), `${id}.moved`), { force: true })
}

/** Units: milliseconds. Between the note and the last moved ref lie moments; a process id may be somebody else's after that. */
const graceMs = 120_000

/** May the process that noted this still move its refs? */
export function mayStillMove(intent: Intent, running: ReadonlySet<string>, now = Date.now()): boolean {
  if (running.has(intent.id)) return true
  if (intent.moved !== null || now - intent.notedAt > graceMs) return false
  if (intent.host !== hostname()) return true
  // Our own id without a running entry: the process that had it before us is gone.
  if (intent.pid === process.pid) return false
  return processLives(intent.pid)
}
