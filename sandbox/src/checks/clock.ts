import type { HostCheck } from '@helix/contract/link'

/** Units: milliseconds. */
const warnsAtMs = 5000
const refusesAtMs = 60_000
const deadlineMs = 10_000

/** How far this machine's clock is from that of an answer, at least; negative: it is behind. The header tells whole seconds. Units: milliseconds. */
export function skewOf(header: string, sentAt: number, receivedAt: number): number | null {
  const date = Date.parse(header)
  if (Number.isNaN(date)) return null
  const offset = (sentAt + receivedAt) / 2 - (date + 500)
  const unsure = (receivedAt - sentAt) / 2 + 500
  return Math.sign(offset) * Math.max(0, Math.abs(offset) - unsure)
}

/** Tokens, leases and TLS go by the clock. */
export function clockCheck(skewMs: number | null): HostCheck {
  if (skewMs === null) return { name: 'clock', state: 'unknown', text: 'The control plane has not told its time yet.' }
  const far = Math.abs(skewMs)
  if (far <= warnsAtMs) return { name: 'clock', state: 'ok', text: 'The clock is that of the control plane.' }
  const told = `The clock of this host is ${Math.round(far / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the control plane’s`
  return {
    name: 'clock',
    state: far > refusesAtMs ? 'failed' : 'warn',
    text: `${told}: set it, and keep it by NTP (systemd-timesyncd, chrony).`,
  }
}

/** Rejects when the control plane does not answer. */
export async function measureSkew(url: string): Promise<number | null> {
  const sentAt = Date.now()
  const response = await fetch(`${url}/healthz`, { method: 'HEAD', signal: AbortSignal.timeout(deadlineMs) })
  return skewOf(response.headers.get('date') ?? '', sentAt, Date.now())
}
