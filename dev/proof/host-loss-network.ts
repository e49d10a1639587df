import { execFileSync } from 'node:child_process'
import { connect, createServer, type Server } from 'node:net'

export type Direction = 'host to control plane' | 'control plane to host' | 'both ways'
export const directions: readonly Direction[] = ['host to control plane', 'control plane to host', 'both ways']

const run = (program: string, args: string[], input?: string): string =>
  execFileSync(program, args, { encoding: 'utf8', ...(input === undefined ? {} : { input }) })

/** A network of its own for one host process, with one cable to this machine. */
export class HostNetwork implements Disposable {
  readonly name: string
  /** This machine's end of the cable. */
  readonly gateway: string
  private readonly cable: string
  private readonly forwarded: string[][]

  /** `number`: 1 to 250, of this run's hosts. Addresses are of RFC 2544's range for tests of networks. */
  constructor(mark: string, number: number) {
    this.name = `hx-${mark}-${number}`
    this.cable = `hx${mark}${number}`
    this.gateway = `198.18.${number}.1`
    const inside = `198.18.${number}.2`
    // Docker drops what is forwarded to containers unless its own chain lets it through.
    this.forwarded = [
      ['-i', this.cable, '-j', 'ACCEPT'],
      ['-o', this.cable, '-j', 'ACCEPT'],
    ]
    run('ip', ['netns', 'add', this.name])
    try {
      run('ip', ['link', 'add', this.cable, 'type', 'veth', 'peer', 'name', 'up0', 'netns', this.name])
      run('ip', ['addr', 'add', `${this.gateway}/24`, 'dev', this.cable])
      run('ip', ['link', 'set', this.cable, 'up'])
      for (const args of [
        ['link', 'set', 'lo', 'up'],
        ['addr', 'add', `${inside}/24`, 'dev', 'up0'],
        ['link', 'set', 'up0', 'up'],
        ['route', 'add', 'default', 'via', this.gateway],
      ])
        this.ip(args)
      for (const rule of this.forwarded) run('iptables', ['-I', 'DOCKER-USER', ...rule])
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /** What precedes a program that runs in this network. */
  get enter(): string[] {
    return ['netns', 'exec', this.name]
  }

  /** Drops packets between the host process and this machine's control plane and Temporal. Sessions keep their own ways: the harder case. */
  cut(direction: Direction): void {
    const there =
      direction === 'control plane to host' ? '' : `chain out { type filter hook output priority -300; ip daddr ${this.gateway} drop; }`
    const back =
      direction === 'host to control plane' ? '' : `chain in { type filter hook input priority -300; ip saddr ${this.gateway} drop; }`
    this.nft(`table inet cut {\n${there}\n${back}\n}`)
  }

  heal(): void {
    this.nft('delete table inet cut')
  }

  [Symbol.dispose](): void {
    for (const rule of this.forwarded) quietly(() => run('iptables', ['-D', 'DOCKER-USER', ...rule]))
    quietly(() => run('ip', ['link', 'del', this.cable]))
    quietly(() => run('ip', ['netns', 'del', this.name]))
  }

  private ip(args: string[]): void {
    run('ip', ['-n', this.name, ...args])
  }

  private nft(rules: string): void {
    run('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], `${rules}\n`)
  }
}

function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // It was not there, or went with what it hung on.
  }
}

/** Leads a port of a cable's end to the same port of 127.0.0.1, where the installation listens. */
export async function lead(address: string, port: number): Promise<Server> {
  const server = createServer((from) => {
    const to = connect({ host: '127.0.0.1', port })
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => resolve())
  })
  return server
}
