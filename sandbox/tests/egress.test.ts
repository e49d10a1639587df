import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { EgressPolicy } from '@helix/contract/egress'
import type { SessionId } from '@helix/contract/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { bridgePrefix, ownerLabels, sessionLabels } from '../src/sessions/names.ts'
import { sessionNetworks } from '../src/sessions/network.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession } from '../src/sessions/stop.ts'
import { StandIns } from './stand-ins.ts'
import { openWorld, type World } from './world.ts'

let world: World
let host: Context
let standIns: StandIns

beforeAll(async () => {
  ;[world, standIns] = await Promise.all([openWorld(), StandIns.open()])
  host = await world.boot()
  await host.packs.ensure('goose_code')
})
afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
  await standIns?.[Symbol.asyncDispose]()
})

const run = promisify(execFile)

/** A running session, and what a shell of its root sees. */
async function session(egress: EgressPolicy) {
  world.plane.egress = egress
  const sessionId = world.plane.addSession()
  await startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
  const [container] = await host.engine.listContainers(sessionLabels(host.owner, sessionId))
  const shell = async (script: string): Promise<string> =>
    (await run('docker', ['exec', '--user', 'root', container?.id ?? '', 'timeout', '20', 'bash', '-c', script])).stdout.trim()
  // Whether a connection is made, as root of the session sees it.
  const reaches = (address: string, port: number) =>
    shell(`timeout 3 bash -c 'exec 3<>/dev/tcp/${address}/${port}' 2>/dev/null && echo yes || echo no`).then((said) => said === 'yes')
  return { sessionId, shell, reaches }
}

async function refusalsOf(sessionId: SessionId): Promise<string> {
  const lines = await host.egress.look(await sessionNetworks(host.engine, host.owner))
  return lines.get(sessionId) ?? ''
}

const port = 8099

test('an open session reaches the internet and the control plane, and neither private networks, nor metadata, nor this machine, nor another session', async ({
  skip,
}) => {
  if (!host.egress.filtered) skip('no packet filter can be set on this machine')
  const [{ sessionId, reaches, shell }, other] = [
    await session({ mode: 'open', domains: [] }),
    await session({ mode: 'open', domains: [] }),
  ]
  const theirs = await other.shell('hostname -I')
  await other.shell(`nohup python3 -m http.server ${port} >/dev/null 2>&1 & sleep 0.5`)
  const machine = await shell("getent hosts host.docker.internal | cut -d' ' -f1")
  const gateway = await shell("ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p'")
  const outcome = {
    internet: await reaches(standIns.internet, port),
    controlPlane: await reaches(machine, world.plane.port),
    privateNetwork: await reaches(standIns.inner, port),
    metadata: await reaches(standIns.metadata, port),
    service: await reaches(machine, standIns.servicePort),
    serviceAtGateway: await reaches(gateway, standIns.servicePort),
    other: await reaches(theirs.split(' ')[0] ?? '', port),
  }
  expect(outcome).toEqual({
    ...{ internet: true, controlPlane: true, privateNetwork: false, metadata: false },
    ...{ service: false, serviceAtGateway: false, other: false },
  })
  const told = await refusalsOf(sessionId)
  expect(told).toContain(`${standIns.inner}:${port}/tcp`)
  expect(told).toContain(`${standIns.metadata}:${port}/tcp`)
  // Root of the session does what it can to its own network.
  await shell(
    'iptables-legacy -F; iptables -F; nft flush ruleset; ip addr add 10.199.1.2/24 dev eth0; ip route add 10.0.0.0/8 dev eth0; true',
  )
  expect(await reaches(standIns.inner, port)).toBe(false)
  expect(await reaches(machine, standIns.servicePort)).toBe(false)
  await Promise.all([removeSession(host, sessionId), removeSession(host, other.sessionId)])
})

test('without the filter the same stand-ins are reached', async ({ skip }) => {
  if (!host.egress.filtered) skip('no packet filter can be set on this machine')
  const { sessionId, reaches, shell } = await session({ mode: 'open', domains: [] })
  await host.egress.remove()
  const machine = await shell("getent hosts host.docker.internal | cut -d' ' -f1")
  expect(
    await Promise.all([reaches(standIns.inner, port), reaches(standIns.metadata, port), reaches(machine, standIns.servicePort)]),
  ).toEqual([...[true, true, true]])
  expect(await host.egress.begin()).toBeNull()
  // A table that was laid anew knows nobody: closed, until it is said otherwise.
  expect(await reaches(standIns.internet, port)).toBe(false)
  await removeSession(host, sessionId)
})

test('rules that somebody takes off the machine are laid again, with what each session may', async ({ skip }) => {
  if (!host.egress.filtered) skip('no packet filter can be set on this machine')
  const [open, closed] = [await session({ mode: 'open', domains: [] }), await session({ mode: 'closed', domains: [] })]
  expect(await host.egress.stand()).toBe(false)
  const flush = () => run('nft', ['delete', 'table', 'inet', `helix_${bridgePrefix(host.owner)}`])
  await flush()
  expect(await closed.reaches(standIns.inner, port)).toBe(true)
  expect(await host.egress.stand()).toBe(true)
  expect(await open.reaches(standIns.internet, port)).toBe(true)
  for (const one of [open, closed]) expect(await one.reaches(standIns.inner, port)).toBe(false)
  expect(await closed.reaches(standIns.internet, port)).toBe(false)
  // Who begins while they are away has them first.
  await flush()
  const late = await session({ mode: 'open', domains: [] })
  expect([await late.reaches(standIns.internet, port), await late.reaches(standIns.inner, port)]).toEqual([true, false])
  for (const { sessionId } of [open, closed, late]) await removeSession(host, sessionId)
})

test('a session with a list reaches what is on it, through the proxy, and is told what it was refused', async ({ skip }) => {
  if (!host.egress.filtered) skip('no packet filter can be set on this machine')
  const { sessionId, reaches, shell } = await session({ mode: 'listed', domains: [`allowed.test:${port}`] })
  const fetches = (url: string) => shell(`curl -s -m 5 -o /dev/null -w '%{http_code}' ${url} || true`)
  // The process of the host asks this machine for names; the stand-in's is in its hosts file only while this test runs.
  await standIns.named('allowed.test', async () => {
    const environment = await shell("tr '\\0' '\\n' </proc/1/environ | grep -i ^https_proxy")
    const withProxy = `export ${environment.split('\n')[0]} http_proxy=${environment.split('\n')[0]?.split('=')[1]}; `
    const through = (url: string) => shell(`${withProxy} curl -s -m 5 -o /dev/null -w '%{http_code}' ${url} || true`)
    expect(await through(`http://allowed.test:${port}/`)).toBe('200')
    expect(await through(`http://denied.test:${port}/`)).toBe('403')
    expect(await through(`http://${standIns.internet}:${port}/`)).toBe('403')
  })
  expect(await fetches(`--noproxy '*' http://${standIns.internet}:${port}/`)).toBe('000')
  expect(await reaches(standIns.internet, port)).toBe(false)
  expect(await refusalsOf(sessionId)).toContain(`denied.test:${port}`)
  await removeSession(host, sessionId)
})

test('a machine that waits reaches nobody, and what it may as a session follows that session, over a restart of the host too', async ({
  skip,
}) => {
  if (!host.egress.filtered) skip('no packet filter can be set on this machine')
  await host.warm.look(Date.now() + 30_000)
  const [slot] = await world.engine.listContainers(ownerLabels(host.owner))
  await world.engine.unpauseContainer(slot?.id ?? '')
  const inside = async (script: string) => (await run('docker', ['exec', slot?.id ?? '', 'bash', '-c', script])).stdout.trim()
  expect(await inside(`timeout 3 bash -c 'exec 3<>/dev/tcp/${standIns.internet}/${port}' 2>/dev/null && echo yes || echo no`)).toBe('no')
  const open = await session({ mode: 'open', domains: [] })
  expect(host.registry.find(open.sessionId)?.containerId).toBe(slot?.id)
  expect(await open.reaches(standIns.internet, port)).toBe(true)
  expect(await open.reaches(standIns.inner, port)).toBe(false)
  expect(await refusalsOf(open.sessionId)).toContain(`${standIns.inner}:${port}/tcp`)
  // A closed one asked before, so that another waits.
  await removeSession(host, (await session({ mode: 'closed', domains: [] })).sessionId)
  for (const _ of [1, 2]) await host.warm.look(Date.now() + 30_000)
  const shut = await session({ mode: 'closed', domains: [] })
  expect(world.plane.starts.at(-1)?.stages.map(({ name }) => name)).toContain('warm: yes')
  expect(await shut.reaches(standIns.internet, port)).toBe(false)
  const again = await world.boot()
  for (const _ of [1, 2]) await again.egress.look(await sessionNetworks(again.engine, again.owner))
  expect([await open.reaches(standIns.internet, port), await shut.reaches(standIns.internet, port)]).toEqual([true, false])
  await Promise.all([removeSession(host, open.sessionId), removeSession(host, shut.sessionId)])
  await host.warm.evict('memory')
})

test('a closed session reaches the control plane alone; after a restart of the host it is as closed, and an open one as open', async ({
  skip,
}) => {
  if (!host.egress.filtered) skip('no packet filter can be set on this machine')
  const [shut, open] = [await session({ mode: 'closed', domains: [] }), await session({ mode: 'open', domains: [] })]
  const machine = await shut.shell("getent hosts host.docker.internal | cut -d' ' -f1")
  expect([await shut.reaches(standIns.internet, port), await shut.reaches(machine, world.plane.port)]).toEqual([false, true])
  const again = await world.boot()
  expect(again.egress.filtered).toBe(true)
  expect([await shut.reaches(standIns.internet, port), await shut.reaches(machine, world.plane.port)]).toEqual([false, true])
  expect(await open.reaches(standIns.internet, port)).toBe(true)
  await Promise.all([removeSession(host, shut.sessionId), removeSession(host, open.sessionId)])
  // Rights go with the network, at the second look that misses it.
  for (const _ of [1, 2]) await host.egress.look(await sessionNetworks(host.engine, host.owner))
  const { stdout } = await run('nft', ['list', 'table', 'inet', `helix_${bridgePrefix(host.owner)}`])
  expect(stdout).not.toMatch(/_bridges \{\s+type ifname\s+elements/)
})
