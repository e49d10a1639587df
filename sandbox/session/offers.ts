import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kept, SessionFile } from '@helix/contract/link'
import type { WorkingCopy } from './git/working-copy.ts'
import type { InnerDocker } from './inner-docker.ts'
import type { Feed } from './link/feed.ts'
import { type Log, reasonOf } from './log.ts'

/** Where Docker lists its images and their layers. */
const lists = ['imagedb/content/sha256', 'layerdb/sha256'].map((list) => join('/var/lib/docker/image/overlay2', list))
/** Units: milliseconds that the host may take to copy. */
const patienceMs = 150_000
/** Units: bytes. The host keeps none that is smaller. */
const leastClone = 32 * 1024 ** 2

export interface OffersInput {
  session: SessionFile
  docker: InnerDocker
  feed: Pick<Feed, 'offer'>
  log: Log
}

/**
 * Lets the host keep what the start of a session made, for sessions to come: clones of repositories, and images of the start-up script. Only before anything of
 * an agent was here: what it did must not reach another session.
 */
export class Offers {
  private readonly input: OffersInput
  private readonly answers = { layers: Promise.withResolvers<void>(), clones: Promise.withResolvers<void>() }
  private layersBefore = ''

  constructor(input: OffersInput) {
    this.input = input
  }

  private get fresh(): boolean {
    const { kept } = this.input.session
    return kept.turn === null && kept.from === null && kept.last === 0
  }

  /** Before Docker starts. */
  async begin(): Promise<void> {
    if (this.input.session.keepsLayers) this.layersBefore = await layers()
  }

  /** After the start-up script ended well. */
  async layers(copies: readonly WorkingCopy[]): Promise<void> {
    const { docker, session } = this.input
    if (!session.keepsLayers || !this.fresh || (await layers()) === this.layersBefore || !(await untouched(copies))) return
    docker.pause()
    await this.offer('layers').finally(() => docker.goOn())
  }

  /** After the repositories were cloned. */
  async clones(copies: readonly WorkingCopy[]): Promise<void> {
    const { keepsClones } = this.input.session
    const large = await Promise.all(
      copies.map(async ({ spec, git }) => keepsClones.includes(spec.name) && (await packBytes(git.folder)) >= leastClone),
    )
    if (this.fresh && large.includes(true)) await this.offer('clones')
  }

  /** The host is done, whatever came of it. */
  kept(what: Kept): void {
    this.answers[what].resolve()
  }

  /** Waits until the host has copied; one that takes too long has not. */
  private async offer(what: Kept): Promise<void> {
    const { feed, log } = this.input
    let timer: NodeJS.Timeout | undefined
    try {
      feed.offer(what, true)
      await Promise.race([this.answers[what].promise, new Promise((resolve) => (timer = setTimeout(resolve, patienceMs)))])
    } catch (error) {
      log.warn('the host is not offered what may be kept', { what, reason: reasonOf(error) })
    } finally {
      clearTimeout(timer)
      feed.offer(what, false)
    }
  }
}

async function layers(): Promise<string> {
  const names = await Promise.all(lists.map((list) => readdir(list).catch(() => [])))
  return names.flat().sort().join(' ')
}

async function packBytes(folder: string): Promise<number> {
  const packs = join(folder, '.git', 'objects', 'pack')
  const names = await readdir(packs).catch(() => [])
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(packs, name)).catch(() => null))?.size ?? 0))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The script saw what the default branches have, and nothing that an agent of an earlier session pushed. */
async function untouched(copies: readonly WorkingCopy[]): Promise<boolean> {
  const all = copies.map(async ({ spec, git }) => {
    const [head, base] = [await git.find('rev-parse', 'HEAD'), await git.find('rev-parse', `refs/remotes/origin/${spec.defaultBranch}`)]
    return head === base && (head === undefined || (await git.find('status', '--porcelain', '--untracked-files=no')) === '')
  })
  return (await Promise.all(all)).every(Boolean)
}
