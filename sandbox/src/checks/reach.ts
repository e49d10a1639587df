import type { SessionId } from '@helix/contract/ids'
import type { HostCheck } from '@helix/contract/link'
import { typeid } from 'typeid-js'
import { archiveOf } from '../engine/archive.ts'
import { plainContainer } from '../engine/plain-container.ts'
import type { Host } from '../host.ts'
import { reasonOf } from '../reason.ts'
import { networkName, ownerLabels, sessionLabels } from '../sessions/names.ts'
import { ensureNetwork, removeNetworks } from '../sessions/network.ts'

/** Units: milliseconds. */
const deadlineMs = 60_000
const notReached = 7
const open = { mode: 'open' as const, domains: [] }

const itself = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\]|0\.0\.0\.0)$/

const is = (state: HostCheck['state'], text: string): HostCheck => ({ name: 'sessions', state, text: text.slice(0, 1000) })

export const notYet = is('unknown', 'Whether sessions reach the control plane was not tried yet.')

/** What can be said of the address without trying; null: it has to be tried. */
export function trapOf(sessionUrl: string): HostCheck | null {
  const { hostname, port } = new URL(sessionUrl)
  if (!itself.test(hostname)) return null
  const better = `http://host.docker.internal${port === '' ? '' : `:${port}`}`
  return is(
    'failed',
    `Sessions are told to find the control plane at ${sessionUrl}, but localhost inside a session is the session itself: set HELIX_SESSION_URL of the control plane to an address that containers reach, for example ${better} on the machine of this engine.`,
  )
}

/** Any answer will do; a control plane that starts anew at this moment has some seconds. The engine's resolver is not there in every runtime. */
const script = `
  const { writeFileSync } = require('node:fs')
  const { URL_TRIED, NAMESERVERS } = process.env
  if (NAMESERVERS) writeFileSync('/etc/resolv.conf', NAMESERVERS.split(',').map((one) => 'nameserver ' + one + '\\n').join(''))
  const ask = (left) => fetch(URL_TRIED + '/healthz', { signal: AbortSignal.timeout(10000) }).then(
    () => process.exit(0),
    (error) => {
      if (left > 0) return setTimeout(ask, 2000, left - 1)
      console.log((error.cause ?? error).message)
      process.exit(${notReached})
    },
  )
  ask(2)`

/** Asks for the control plane from where a session would: in a container of the same footing on a network with the same rules. */
export async function tryReach(host: Host, sessionUrl: string): Promise<HostCheck> {
  const trap = trapOf(sessionUrl)
  if (trap !== null) return trap
  const { engine, owner, egress, certificates } = host
  // A session that is none: its network is filtered as theirs are, and collected should this process die now.
  const sessionId = typeid('ses').toString() as SessionId
  const name = `helix-reach-${host.identity.bootId}-${sessionId.slice(-6)}`
  try {
    const subnets = await ensureNetwork(engine, owner, host.config.session.subnets, sessionId, sessionLabels(owner, sessionId))
    await egress.admit(sessionId, open, subnets, sessionUrl)
    const footing = host.footing()
    const nameservers = footing.innerDocker === 'gvisor' ? egress.nameserversOf(open).join(',') : ''
    const id = await engine.createContainer(
      plainContainer({
        ...footing.isolation,
        name,
        image: host.config.session.image,
        labels: { ...ownerLabels(owner), 'helix.boot': host.identity.bootId },
        network: networkName(owner, sessionId),
        command: ['/opt/helix/node', '-e', script],
        env: { URL_TRIED: sessionUrl, NAMESERVERS: nameservers, ...certificates.env },
      }),
    )
    if (certificates.files.length > 0) await engine.putArchive(id, '/', await archiveOf(certificates.files))
    await engine.startContainer(id)
    const code = await engine.waitForExit(id, deadlineMs)
    if (code === 0) return is('ok', `Sessions reach the control plane at ${sessionUrl}.`)
    const said = (await engine.tailOutput(id, 2)).trim().slice(-300)
    if (code === notReached) return is('failed', unreached(sessionUrl, said))
    return is('warn', `Whether sessions reach the control plane cannot be told: the try ended with ${code ?? 'no answer'}. ${said}`)
  } catch (error) {
    return is('warn', `Whether sessions reach the control plane cannot be told: ${reasonOf(error)}`)
  } finally {
    // What cannot be removed now is left to the collector.
    await engine.removeContainer(name).catch(() => undefined)
    await removeNetworks(engine, sessionId).catch(() => undefined)
  }
}

function unreached(sessionUrl: string, said: string): string {
  return `A container on this host does not reach the control plane at ${sessionUrl} (${said}): set HELIX_SESSION_URL of the control plane to an address that does, have it listen there (HELIX_LISTEN), and let the machine’s firewall through.`
}
