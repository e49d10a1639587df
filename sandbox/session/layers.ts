import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionFile } from '@helix/contract/link'
import type { WorkingCopy } from './git/working-copy.ts'
import type { InnerDocker } from './inner-docker.ts'
import type { Feed } from './link/feed.ts'
import { type Log, reasonOf } from './log.ts'

/** Where Docker lists its images and their layers. */
const lists = ['imagedb/content/sha256', 'layerdb/sha256'].map((list) => join('/var/lib/docker/image/overlay2', list))
/** Units: milliseconds that the host may take to copy. */
const patienceMs = 150_000

export interface LayerOfferInput {
  session: SessionFile
  docker: InnerDocker
  feed: Pick<Feed, 'offerLayers'>
  log: Log
}

/**
 * Lets the host keep the images that a start-up script made, for sessions to come. Only before anything of an agent was here: what it did must not reach
 * another session.
 */
export class LayerOffer {
  private readonly input: LayerOfferInput
  private readonly answer = Promise.withResolvers<void>()
  private before = ''

  constructor(input: LayerOfferInput) {
    this.input = input
  }

  private get wanted(): boolean {
    const { keepsLayers, kept, epoch } = this.input.session
    return keepsLayers && epoch > 0 && kept.turn === null && kept.from === null && kept.last === 0
  }

  /** Before Docker starts. */
  async begin(): Promise<void> {
    if (this.wanted) this.before = await layers()
  }

  /** After the start-up script ended well; waits until the host has copied. A host that takes too long has not kept them. */
  async make(copies: readonly WorkingCopy[]): Promise<void> {
    const { docker, feed, log } = this.input
    try {
      if (!this.wanted || (await layers()) === this.before || !(await untouched(copies))) return
      docker.pause()
      feed.offerLayers(true)
      let timer: NodeJS.Timeout | undefined
      await Promise.race([this.answer.promise, new Promise((resolve) => (timer = setTimeout(resolve, patienceMs)))])
      clearTimeout(timer)
    } catch (error) {
      log.warn('layers are not offered', { reason: reasonOf(error) })
    } finally {
      feed.offerLayers(false)
      docker.goOn()
    }
  }

  /** The host is done, whatever came of it. */
  kept(): void {
    this.answer.resolve()
  }
}

async function layers(): Promise<string> {
  const names = await Promise.all(lists.map((list) => readdir(list).catch(() => [])))
  return names.flat().sort().join(' ')
}

/** The script saw what the default branches have, and nothing that an agent of an earlier session pushed. */
async function untouched(copies: readonly WorkingCopy[]): Promise<boolean> {
  const all = copies.map(async ({ spec, git }) => {
    const [head, base] = [await git.find('rev-parse', 'HEAD'), await git.find('rev-parse', `refs/remotes/origin/${spec.defaultBranch}`)]
    return head === base && (head === undefined || (await git.find('status', '--porcelain', '--untracked-files=no')) === '')
  })
  return (await Promise.all(all)).every(Boolean)
}
