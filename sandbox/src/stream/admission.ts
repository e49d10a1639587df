import { Allowance } from './allowance.ts'

/** Attempts of one address: as many at once, and as many a second in the long run. */
const burst = 60
const perSecond = 20
const mostAddresses = 20_000

/** Keeps one address from wearing the others out, before anything is verified for it. */
export class Admission {
  private readonly addresses = new Map<string, Allowance>()

  /** False: this address tries too often. */
  admits(address: string, now = Date.now()): boolean {
    const name = networkOf(address)
    const known = this.addresses.get(name)
    const allowance = known ?? new Allowance(burst, perSecond, now)
    this.addresses.delete(name)
    // The address that tried longest ago goes first.
    const [oldest] = this.addresses.keys()
    if (this.addresses.size >= mostAddresses && oldest !== undefined) this.addresses.delete(oldest)
    this.addresses.set(name, allowance)
    return allowance.take(now)
  }
}

/** Who has one IPv6 address has a /64 of them. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  return plain.includes(':') ? plain.split(':').slice(0, 4).join(':') : plain
}
