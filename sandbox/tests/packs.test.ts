import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { plainContainer } from '../src/engine/plain-container.ts'
import { packVolume } from '../src/packs/catalogue.ts'
import { PackInstaller } from '../src/packs/installer.ts'
import { openWorld, until, type World } from './world.ts'

const image = 'helix-session:dev'
let world: World
let installs = 0

beforeEach(async () => {
  world = await openWorld()
  installs = 0
})
afterEach(() => world[Symbol.asyncDispose]())

function installer(hostId: string, bootId = 'boot', engine = world.engine): PackInstaller {
  const source = {
    async install(_: unknown, __: string, folder: string) {
      installs++
      await writeFile(join(folder, 'agent'), 'an agent')
    },
  }
  const labels = { 'helix.installation': world.installation, 'helix.host': hostId, 'helix.boot': bootId }
  return new PackInstaller({ engine, image, source, prefix: world.packs.prefix, labels, log: pino({ level: 'silent' }) })
}

const volume = (): string => packVolume(world.packs.prefix, 'goose_code')

async function contentOf(path: string): Promise<string | null> {
  const name = `${volume()}-test`
  const labels = { 'helix.installation': world.installation }
  const id = await world.engine.createContainer(
    plainContainer({ name, image, labels, volumes: [{ volume: volume(), path: '/opt/pack', readOnly: true }] }),
  )
  try {
    return (await world.engine.readFile(id, `/opt/pack/${path}`))?.toString() ?? null
  } finally {
    await world.engine.removeContainer(id)
  }
}

test('those who ask at the same time share one install, and a later boot finds it', async () => {
  const one = installer('hst_one')
  expect(await Promise.all([one.ensure('goose_code'), one.ensure('goose_code'), one.ensure('goose_code')])).toEqual(Array(3).fill(volume()))
  const later = installer('hst_one', 'later')
  await later.discover()
  expect(later.list()).toEqual([{ runtime: 'goose_code', version: '1.50.0' }])
  await later.ensure('goose_code')
  expect(installs).toBe(1)
  expect(await contentOf('agent')).toBe('an agent')
})

test('two hosts on one engine fill the volume one after the other', async () => {
  const [one, other] = [installer('hst_one'), installer('hst_other')]
  await Promise.all([one.ensure('goose_code'), other.ensure('goose_code')])
  expect(await contentOf('agent')).toBe('an agent')
  expect(await world.engine.listContainers({ 'helix.installation': world.installation })).toEqual([])
})

test('a volume that a killed host left half filled is made anew by its next boot', async () => {
  // What kill -9 between the files and the marker leaves: the volume, and the container that filled it.
  await world.engine.createVolume(volume(), {})
  const labels = { 'helix.installation': world.installation, 'helix.host': 'hst_one', 'helix.boot': 'killed' }
  const volumes = [{ volume: volume(), path: '/opt/pack', readOnly: false }]
  const id = await world.engine.createContainer(plainContainer({ name: `${volume()}-fill`, image, labels, volumes }))
  const { archiveOf } = await import('../src/engine/archive.ts')
  await world.engine.putArchive(id, '/opt/pack', await archiveOf([{ path: 'half', content: 'half an agent', mode: 0o644 }]))
  await installer('hst_one', 'next').ensure('goose_code')
  expect(await contentOf('half')).toBeNull()
  expect(await contentOf('agent')).toBe('an agent')
})

test('a volume that somebody removed is installed again and not mounted empty', async () => {
  const one = installer('hst_one')
  await one.ensure('goose_code')
  await world.engine.removeVolume(volume())
  await new Promise((resolve) => setTimeout(resolve, 1100))
  await one.ensure('goose_code')
  expect(installs).toBe(2)
  expect(await contentOf('agent')).toBe('an agent')
})

test('a fetch that fails is told to all who wait, and the next who asks tries again', async () => {
  const failing = new PackInstaller({
    engine: world.engine,
    image,
    source: {
      async install() {
        if (installs++ === 0) throw new Error('npm ended with code 1')
      },
    },
    prefix: world.packs.prefix,
    labels: { 'helix.installation': world.installation, 'helix.host': 'hst_one', 'helix.boot': 'boot' },
    log: pino({ level: 'silent' }),
  })
  const tries = await Promise.allSettled([failing.ensure('goose_code'), failing.ensure('goose_code')])
  expect(tries.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await failing.ensure('goose_code')).toBe(volume())
  await until(() => installs === 2)
})
