import type { Rung } from '@helix/contract/isolation'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { ContainerSpec, Engine, EngineInfo } from '../engine/engine.ts'
import { findFooting, whyNotStronger } from './ladder.ts'

const info: EngineInfo = { runtimes: ['runc'], usernsRemap: false, cpus: 2, memoryBytes: 8e9, architecture: 'x64', dataRoot: '/' }

/** An engine whose containers end with the code that `codeOf` gives; null: not in time. */
function engineOf(codeOf: (spec: ContainerSpec) => number | null): { engine: Engine; left: Set<string> } {
  const left = new Set<string>()
  const specs = new Map<string, ContainerSpec>()
  const engine = {
    async createContainer(spec: ContainerSpec) {
      specs.set(spec.name, spec)
      left.add(spec.name)
      return spec.name
    },
    startContainer: async () => undefined,
    waitForExit: async (id: string) => codeOf(specs.get(id) as ContainerSpec),
    tailOutput: async () => 'what it said',
    removeContainer: async (name: string) => void left.delete(name),
    createVolume: async (name: string) => void left.add(`volume ${name}`),
    removeVolume: async (name: string) => void left.delete(`volume ${name}`),
  }
  return { engine: engine as unknown as Engine, left }
}

const find = (codeOf: (spec: ContainerSpec) => number | null, offered: Partial<EngineInfo> = {}, allowUnsafe = false, strongest?: Rung) => {
  const { engine, left } = engineOf(codeOf)
  const input = { engine, image: 'image', labels: {}, bootId: 'boot', allowUnsafe, strongest, log: pino({ level: 'silent' }) }
  return findFooting(input, { ...info, ...offered }).then((footing) => ({ ...footing, left: left.size }))
}
const withInnerDocker = (spec: ContainerSpec): boolean => spec.capabilities.includes('SYS_ADMIN')

describe('the ladder', () => {
  test('a plain engine gives plain containers without inner Docker', async () => {
    expect(await find(() => 0)).toMatchObject({ name: 'plain', innerDocker: 'none', left: 0 })
  })

  test('the strongest rung that works is taken', async () => {
    const both = { runtimes: ['runc', 'runsc'], usernsRemap: true }
    expect(await find(() => 0, both)).toMatchObject({ name: 'gvisor', innerDocker: 'gvisor', left: 0 })
    expect(await find(({ runtime }) => (runtime === 'runsc' ? null : 0), both)).toMatchObject({ name: 'userns', innerDocker: 'rootless' })
  })

  test('a rung whose inner Docker does not come up still isolates', async () => {
    const footing = await find((spec) => (withInnerDocker(spec) ? 1 : 0), { runtimes: ['runsc'] })
    expect(footing).toMatchObject({ name: 'gvisor', innerDocker: 'none', isolation: { runtime: 'runsc', noNewPrivileges: true }, left: 0 })
    expect(footing.isolation.capabilities).not.toContain('SYS_ADMIN')
  })

  test('capabilities of the machine are given only when they are asked for', async () => {
    expect(await find(() => 0, {}, true)).toMatchObject({ name: 'capabilities', innerDocker: 'rootful' })
    expect(await find((spec) => (withInnerDocker(spec) ? 1 : 0), {}, true)).toMatchObject({ name: 'plain', innerDocker: 'none' })
  })

  test('a virtual machine comes before a kernel in user space, and that before user namespaces, by whatever name the engine knows them', async () => {
    const all = { runtimes: ['runc', 'runsc', 'kata-qemu', 'sysbox-runc'], usernsRemap: true }
    const failing = (...names: (string | null)[]) => find(({ runtime }) => (names.includes(runtime) ? 1 : 0), all)
    expect(await failing()).toMatchObject({ name: 'kata', innerDocker: 'rootful', isolation: { runtime: 'kata-qemu' } })
    expect(await failing('kata-qemu')).toMatchObject({ name: 'gvisor', isolation: { runtime: 'runsc' } })
    expect(await failing('kata-qemu', 'runsc')).toMatchObject({ name: 'sysbox', isolation: { runtime: 'sysbox-runc' } })
    expect(await failing('kata-qemu', 'runsc', 'sysbox-runc')).toMatchObject({ name: 'userns', isolation: { runtime: null }, left: 0 })
  })

  test('it says why no stronger rung was taken', async () => {
    const footing = await find(({ runtime }) => (runtime === 'runsc' ? null : 0), { runtimes: ['runc', 'runsc'], usernsRemap: true })
    const said = whyNotStronger(footing)
    expect(said).toContain('kata (no Kata runtime is registered with the engine)')
    expect(said).toContain('gvisor (the probe did not end within 30 s)')
    expect(said).not.toContain('capabilities')
    expect(whyNotStronger(await find(() => 0, { runtimes: ['kata'] }))).toBeNull()
  })

  test('an operator may begin lower', async () => {
    const all = { runtimes: ['runc', 'runsc'], usernsRemap: true }
    expect(await find(() => 0, all, false, 'userns')).toMatchObject({ name: 'userns', passedOver: [] })
    expect(await find(() => 0, all, false, 'plain')).toMatchObject({ name: 'plain', innerDocker: 'none' })
  })

  test('where nothing starts, the reason is told and nothing is left', async () => {
    await expect(find(() => 127)).rejects.toThrow('what it said')
  })
})
