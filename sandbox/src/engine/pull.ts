import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { EngineError, type ImageLogin, type PullProgress } from './engine.ts'

/** One line of the engine's answer. */
interface Line {
  id?: string
  status?: string
  error?: string
  progressDetail?: { current?: number; total?: number }
}

/** Registries answer alike for what is not there and what may not be seen. */
const notThere =
  /not found|manifest unknown|pull access denied|does not exist|unauthorized|authentication required|no basic auth credentials|denied|no matching manifest/i

const failureOf = (image: string, words: string): EngineError =>
  new EngineError(notThere.test(words) ? 'missing' : 'failed', `Docker cannot fetch the image ${image}: ${words}`)

/** Without a tag the API fetches every tag there is. */
export const tagged = (image: string): string => (/@|:[^/]+$/.test(image) ? image : `${image}:latest`)

/** In a header, and not among the parameters of the address, which the engine may log. */
const headerOf = (login: ImageLogin | null): object | undefined =>
  login === null ? undefined : { username: login.user, password: login.password }

/** Fetches an image; a failure that comes in the middle of the answer is one too. */
export async function pull(
  docker: Docker,
  { image, login }: { image: string; login: ImageLogin | null },
  progress: (done: PullProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const answer = await docker
    .createImage(headerOf(login), { fromImage: tagged(image), abortSignal: signal })
    .catch((error: { statusCode?: number; json?: { message?: string }; message: string }) => {
      if (error.statusCode === undefined) throw error
      throw failureOf(image, error.json?.message ?? error.message)
    })
  const layers = new Map<string, PullProgress>()
  for await (const text of createInterface({ input: answer as Readable, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (text.trim() === '') continue
    const line = JSON.parse(text) as Line
    if (line.error !== undefined) throw failureOf(image, line.error)
    const { current = 0, total } = line.progressDetail ?? {}
    if (line.id === undefined || line.status !== 'Downloading' || total === undefined) continue
    layers.set(line.id, { bytes: current, of: total })
    const sum = (what: keyof PullProgress): number => [...layers.values()].reduce((all, layer) => all + layer[what], 0)
    progress({ bytes: sum('bytes'), of: sum('of') })
  }
}
