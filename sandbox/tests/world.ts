import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { parseConfig } from '../src/config.ts'
import { Context, type PackParts } from '../src/context.ts'
import { DockerEngine } from '../src/engine/docker-engine.ts'
import type { PackSource } from '../src/packs/npm.ts'
import { belongingsOf, Collector } from '../src/sessions/collector.ts'
import { slotOf } from '../src/warm/slot-labels.ts'
import { FakeControlPlane } from './control-plane.ts'

const random = (): string => Math.random().toString(36).slice(2, 8)

/** The agent pack of tests: a small script where goose's binary would be. */
export const fakePack = packOf('./fake-agent.mjs')

export function packOf(script: string): PackSource {
  return {
    async install(_, architecture, folder) {
      const bin = join(folder, 'node_modules', '@aaif', `goose-binary-linux-${architecture}`, 'bin')
      await mkdir(bin, { recursive: true })
      await copyFile(new URL(script, import.meta.url), join(bin, 'goose'))
      await chmod(join(bin, 'goose'), 0o755)
    },
  }
}

export interface World extends AsyncDisposable {
  plane: FakeControlPlane
  engine: DockerEngine
  installation: string
  packs: PackParts
  parts: HostParts
  /** A host process's insides over the same state folder: the first is the first boot, the next ones are restarts. */
  boot(env?: NodeJS.ProcessEnv, version?: string): Promise<Context>
}

/** Where a host belongs. */
export interface HostParts {
  controlPlane: { url: string; token: string }
  stateDir: string
  installation: string
  packs: PackParts
}

/** The insides of a host process, linked to its control plane. */
export async function bootHost(parts: HostParts, env: NodeJS.ProcessEnv = {}, version = '0.0.0'): Promise<Context> {
  const { controlPlane, stateDir, installation, packs } = parts
  const config = parseConfig({
    DOCKER_HOST: process.env.DOCKER_HOST,
    HELIX_SESSION_IMAGE: process.env.HELIX_SESSION_IMAGE,
    HELIX_CONTROL_PLANE_URL: controlPlane.url,
    HELIX_RUNNER_TOKEN: controlPlane.token,
    HELIX_DATA_DIR: stateDir,
    HELIX_INSTALLATION: installation,
    HELIX_HOST_NAME: installation,
    HELIX_ALLOW_UNFILTERED_EGRESS: '1',
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent',
    ...env,
  })
  const context = await Context.open(config, version, pino({ level: config.logLevel }), packs)
  await context.monitor.check()
  context.dial(version)
  return context
}

/** A control plane, an installation of its own on the real engine, and hosts. */
export async function openWorld(source: PackSource = fakePack): Promise<World> {
  const stateDir = await mkdtemp(join(tmpdir(), 'helix-host-'))
  const plane = await FakeControlPlane.open()
  const installation = `test-${random()}`
  const packs = { source, prefix: `helix-${installation}-pack` }
  const parts: HostParts = { controlPlane: { url: plane.url, token: plane.token }, stateDir, installation, packs }
  const engine = new DockerEngine(process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock')
  const open: Context[] = []
  return {
    plane,
    engine,
    installation,
    packs,
    parts,
    async boot(env = {}, version = '0.0.0') {
      const context = await bootHost(parts, env, version)
      open.push(context)
      await until(() => context.homecoming.settled)
      return context
    },
    async [Symbol.asyncDispose]() {
      for (const context of open) await context.close()
      const left = await leftAfterSweep(plane, open)
      await open[0]?.egress.remove()
      await removeEverything(engine, installation, packs.prefix)
      await plane[Symbol.asyncDispose]()
      await rm(stateDir, { recursive: true, force: true })
      if (left.length > 0) throw new Error(`the sweep left ${left.join(', ')}`)
    },
  }
}

/** What is left of the hosts once no session lives any more and their garbage was collected. */
async function leftAfterSweep(plane: FakeControlPlane, open: readonly Context[]): Promise<string[]> {
  plane.sessions.clear()
  plane.answering = true
  // Of several boots of a host the last one knows what the others left.
  const last = new Map(open.map((context) => [JSON.stringify(context.owner), context]))
  const left: string[] = []
  for (const host of last.values()) {
    const collector = new Collector(host)
    for (const now of [Date.now(), Date.now() + 61_000]) await collector.collect(now)
    const { containers, networks, volumes } = await belongingsOf(host)
    // Machines that wait for sessions are no garbage; the next boot removes them.
    const waiting = new Set(host.slots.list().flatMap(({ id, given }) => (given === null ? [id] : [])))
    const all = [...containers, ...networks, ...volumes].filter(({ labels }) => !waiting.has(slotOf(labels) ?? ''))
    left.push(...all.map(({ name }) => name))
  }
  return left
}

export async function removeEverything(engine: DockerEngine, installation: string, packPrefix: string): Promise<void> {
  const labels = { 'helix.installation': installation }
  for (const { id } of await engine.listContainers(labels)) await engine.removeContainer(id)
  for (const network of await engine.listNetworks()) {
    if (network.labels['helix.installation'] === installation) await engine.removeNetwork(network.id)
  }
  const volumes = [...(await engine.listVolumes(labels)), ...(await engine.listVolumes({}))]
  for (const { name, labels: of } of volumes) {
    if (of['helix.installation'] === installation || name.startsWith(packPrefix)) await engine.removeVolume(name)
  }
}

/** Looks again and again until the claim holds. Units: milliseconds. */
export async function until(claim: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  for (const end = Date.now() + deadlineMs; !(await claim()); ) {
    if (Date.now() > end) throw new Error(`not so within ${deadlineMs} ms: ${claim}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
