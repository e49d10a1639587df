import type { SessionSpec } from '@helix/contract/hosts'
import type { PullProgress } from '../engine/engine.ts'
import type { Host } from '../host.ts'
import type { Stages } from './stages.ts'

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)

/** The session runs on an image that is not ours. */
export const isForeign = ({ config }: Pick<Host, 'config'>, { machine }: Pick<SessionSpec, 'machine'>): boolean =>
  machine.image !== null && machine.image !== config.session.image

/**
 * Makes sure that the image of the session's project is there; answers with the volume of the kit that it is started with, null for our own image. The person
 * who waits sees how far a fetch is.
 */
export async function prepareImage(host: Host, spec: SessionSpec, stages: Stages, signal: AbortSignal): Promise<string | null> {
  const { image } = spec.machine
  if (image === null || !isForeign(host, spec)) return null
  const kit = stages.time('kit', host.kit.ensure())
  const tell = ({ bytes, of }: PullProgress): void => {
    stages.saying = `Fetching the image ${image.slice(-100)}: ${megabytes(bytes)} of ${megabytes(of)} MB`
  }
  const there = stages.time(
    'image',
    host.images.ensure(image, { project: spec.projectId ?? spec.orgId, login: spec.imageLogin }, signal, tell),
  )
  // Both are waited for even when one fails: none may go on behind the next try.
  await Promise.allSettled([there, kit])
  stages.saying = null
  await there
  return kit
}
