import type { SessionSpec } from '@helix/contract/hosts'
import type { PullProgress } from '../engine/engine.ts'
import type { Host } from '../host.ts'
import { reasonOf } from '../reason.ts'
import type { Stages } from './stages.ts'

/** Units: milliseconds. */
const tellEveryMs = 1000

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)

/** The session runs on an image that is not ours. */
export const isForeign = ({ config }: Pick<Host, 'config'>, { machine }: Pick<SessionSpec, 'machine'>): boolean =>
  machine.image !== null && machine.image !== config.session.image

/**
 * Makes sure that the image of the session's project is there; answers with the volume of the kit that it is started with, null for our own image. The person
 * who waits sees how far a fetch is.
 */
export async function prepareImage(
  host: Host,
  { spec, epoch }: { spec: SessionSpec; epoch: number },
  stages: Stages,
  signal: AbortSignal,
): Promise<string | null> {
  const { image } = spec.machine
  if (image === null || !isForeign(host, spec)) return null
  const kit = stages.time('kit', host.kit.ensure())
  let toldAt = 0
  const tell = ({ bytes, of }: PullProgress): void => {
    if (Date.now() - toldAt < tellEveryMs) return
    toldAt = Date.now()
    const text = `Fetching the image ${image.slice(-100)}: ${megabytes(bytes)} of ${megabytes(of)} MB`
    host.controlPlane
      .reportProgress(spec.sessionId, epoch, text)
      .catch((error: unknown) => host.log.debug({ reason: reasonOf(error) }, 'the progress of a start could not be told'))
  }
  const there = stages.time(
    'image',
    host.images.ensure(image, { project: spec.projectId ?? spec.orgId, login: spec.imageLogin }, signal, tell),
  )
  // Both are waited for even when one fails: none may go on behind the next try.
  await Promise.allSettled([there, kit])
  await there
  return kit
}
