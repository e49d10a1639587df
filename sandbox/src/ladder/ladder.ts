import type { SessionFile } from '@helix/contract/link'
import type { Logger } from 'pino'
import type { Engine, EngineInfo, Labels } from '../engine/engine.ts'
import { plainContainer } from '../engine/plain-container.ts'
import { reasonOf } from '../reason.ts'
import { type Base, type Isolation, type Rung, rungs } from './rungs.ts'

/** Units: milliseconds. */
const probeMs = 30_000

/** The rung that sessions of this boot stand on. */
export interface Footing {
  name: Rung['name']
  innerDocker: SessionFile['innerDocker']
  isolation: Isolation
  /** Stronger rungs, the strongest first. */
  passedOver: readonly PassedOver[]
}

interface PassedOver {
  name: Rung['name']
  reason: string
}

export interface LadderInput {
  engine: Engine
  image: string
  labels: Labels
  /** Part of the names of probes. */
  bootId: string
  allowUnsafe: boolean
  /** Where the climb down begins; absent: at the top. */
  strongest?: Rung['name'] | undefined
  log: Logger
}

/** gVisor's network has no filter tables of the new kind; addresses are translated by the supervisor. */
const dockerd = { rootful: 'dockerd', rootless: 'dockerd --rootless', gvisor: 'dockerd --iptables=false --ip6tables=false' }
/** Exit codes of the probe of an inner engine. */
const noEngineInImage = 3

/**
 * Started as the supervisor starts it, and asked to run a container made of one program: engines that come up and cannot run anything are common, where
 * cgroups or namespaces are missing.
 */
function innerDockerProbe(kind: keyof typeof dockerd): string {
  return `command -v dockerd >/dev/null && command -v docker >/dev/null || exit ${noEngineInImage}
    export DOCKER_HOST=unix:///run/docker.sock
    ${dockerd[kind]} --host=$DOCKER_HOST >/tmp/probe 2>&1 &
    for i in $(seq 100); do
      docker version >/dev/null 2>&1 && break
      kill -0 $! 2>/dev/null || { tail -n 2 /tmp/probe; exit 1; }
      sleep 0.1
    done
    tar -chf - -C / bin/true $(ldd /bin/true | grep -o '/[^ ]*' | cut -c2-) | docker import - probe >/dev/null
    docker run --rm probe /bin/true`
}

/** Climbs down from the strongest rung and takes the first that works; each try has a deadline. Throws when not even the last works. */
export async function findFooting(input: LadderInput, info: EngineInfo): Promise<Footing> {
  const passedOver: PassedOver[] = []
  const from = rungs.findIndex(({ name }) => name === input.strongest)
  for (const rung of rungs.slice(Math.max(from, 0))) {
    const { name } = rung
    const base = rung.on(info, input.allowUnsafe)
    if (base === null) {
      if (name !== 'capabilities') passedOver.push({ name, reason: rung.lacks })
      continue
    }
    const found = await tryRung(input, rung, base)
    if (!('reason' in found)) return { ...found, passedOver }
    input.log.warn({ rung: name, reason: found.reason }, 'this rung does not work')
    passedOver.push({ name, reason: found.reason })
  }
  throw new Error(`no session container can be started: ${passedOver.at(-1)?.reason}`)
}

/** The footing of a rung that works, with an inner engine or else without; or why it does not. */
async function tryRung(input: LadderInput, rung: Rung, base: Base): Promise<Omit<Footing, 'passedOver'> | { reason: string }> {
  const { name, innerDocker } = rung
  let reason = ''
  if (innerDocker !== 'none') {
    const isolation = { ...rung.isolation, ...base }
    const failure = await probe(input, isolation, innerDockerProbe(innerDocker), true)
    if (failure === null) return { name, innerDocker, isolation }
    input.log.info({ rung: name, reason: failure }, 'no inner Docker on this rung')
    reason = failure
  }
  if (rung.without === null) return { reason }
  const isolation = { ...rung.without, ...base }
  const failure = await probe(input, isolation, 'exit 0', false)
  return failure === null ? { name, innerDocker: 'none', isolation } : { reason: failure }
}

/** Units: letters of a reason, so that one long one does not hide the others. */
const reasonLetters = 200

/** One sentence for people on why no stronger rung was taken; null: the strongest was. */
export function whyNotStronger({ passedOver }: Footing): string | null {
  if (passedOver.length === 0) return null
  const reasons = passedOver.map(({ name, reason }) => `${name} (${reason.replace(/\s+/g, ' ').slice(0, reasonLetters)})`)
  return `Stronger isolation was not taken: ${reasons.join(', ')}.`
}

/** Null when the script ended well in a container like this; else why not. */
async function probe(input: LadderInput, isolation: Isolation, script: string, withVolume: boolean): Promise<string | null> {
  const { engine, image, labels } = input
  const name = `helix-probe-${input.bootId}-${Math.random().toString(36).slice(2, 8)}`
  // Overlay on overlay is refused by the kernel, so that an inner engine needs a volume.
  const volumes = withVolume ? [{ volume: name, path: '/var/lib/docker', readOnly: false }] : []
  if (withVolume) await engine.createVolume(name, labels)
  const spec = plainContainer({ name, image, labels, ...isolation, volumes, command: ['/bin/sh', '-c', script], memoryBytes: 1024 ** 3 })
  try {
    const id = await engine.createContainer(spec)
    await engine.startContainer(id)
    const code = await engine.waitForExit(id, probeMs)
    if (code === 0) return null
    if (code === null) return `the probe did not end within ${probeMs / 1000} s`
    if (code === noEngineInImage) return 'the session image has no Docker engine inside'
    return `the probe ended with code ${code}: ${(await engine.tailOutput(id, 3)).trim().slice(-500)}`
  } catch (error) {
    return reasonOf(error)
  } finally {
    await engine.removeContainer(name)
    if (withVolume) await engine.removeVolume(name)
  }
}
