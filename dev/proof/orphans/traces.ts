import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { bridgePrefix } from '../../../sandbox/src/sessions/names.ts'
import type { Stack } from '../../stack/stack.ts'

const said = (program: string, ...args: string[]): string => {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64e6 })
  } catch {
    // No such program, or nothing of that name: there is nothing to see.
    return ''
  }
}
const pids = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name))

function readOf(pid: string, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8')
  } catch {
    // It ended meanwhile.
    return ''
  }
}

function targetOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`)
  } catch {
    // It was closed meanwhile.
    return ''
  }
}

/** How many descriptors a process has open, without files of its data folder: the embedded database keeps those of each table it ever read. */
export function descriptorsOf(pid: number | null, dataDir: string): number {
  if (pid === null) return 0
  const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => targetOf(pid, fd))
  return targets.filter((target) => target !== '' && !target.startsWith(`${dataDir}/`)).length
}

/** What an installation leaves on this machine, beside what its engine lists by its labels. */
export class Traces implements Disposable {
  private readonly installation: string
  private readonly dataDir: string
  private readonly scratchDir: string
  private readonly containers = new Set<string>()
  private readonly events: ChildProcess

  constructor({ config, secrets }: Stack, scratchDir: string) {
    this.installation = secrets.installation
    this.dataDir = config.dataDir
    this.scratchDir = scratchDir
    const filters = ['type=container', 'event=create', `label=helix.installation=${secrets.installation}`]
    const args = ['events', ...filters.flatMap((filter) => ['--filter', filter]), '--format', '{{.ID}}']
    this.events = spawn('docker', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    this.events.stdout?.setEncoding('utf8').on('data', (text: string) => {
      for (const id of text.split('\n')) if (id !== '') this.containers.add(id)
    })
  }

  /** Containers that there were. */
  get count(): number {
    return this.containers.size
  }

  [Symbol.dispose](): void {
    this.events.kill()
  }

  private get prefix(): string {
    const file = join(this.dataDir, 'host/id')
    if (!existsSync(file)) return 'no host'
    return bridgePrefix({ installation: this.installation, hostId: readFileSync(file, 'utf8').trim() })
  }

  /** Things whose names say whose they are, with or without labels. */
  named(kind: 'container' | 'volume' | 'network'): string[] {
    const args = kind === 'container' ? ['ps', '--all', '--format', '{{.Names}}'] : [kind, 'ls', '--format', '{{.Name}}']
    return said('docker', ...args)
      .split('\n')
      .filter((name) => name.includes(this.installation))
  }

  /** Processes in containers that there were, and those that keep such a container. */
  processes(): string[] {
    const ours = (text: string): boolean => [...this.containers].some((id) => text.includes(id))
    return pids().filter((pid) => ours(readOf(pid, 'cgroup')) || ours(readOf(pid, 'cmdline')))
  }

  interfaces(): string[] {
    return readdirSync('/sys/class/net').filter((name) => name.startsWith(this.prefix))
  }

  /** Of the engine's firewall. */
  iptables(): string[] {
    return [...said('iptables-save').split('\n'), ...said('ip6tables-save').split('\n')].filter((line) => line.includes(this.prefix))
  }

  /** Rights that the host's own filter gives to bridges. */
  rights(): string[] {
    const listed = ['open_bridges', 'listed_bridges'].map((set) => said('nft', 'list', 'set', 'inet', `helix_${this.prefix}`, set))
    return listed.flatMap((text) => [...text.matchAll(/"(hx[0-9a-f]{13})"/g)].map(([, bridge = '']) => bridge))
  }

  table(): string[] {
    return said('nft', 'list', 'tables', 'inet')
      .split('\n')
      .filter((line) => line.endsWith(`helix_${this.prefix}`))
  }

  /** Of the installation's own processes. */
  temporaryFiles(): string[] {
    return readdirSync(this.scratchDir)
  }

  /** Drafts, and machines that wait for sessions or that sessions had. */
  hostFiles(): string[] {
    const folder = join(this.dataDir, 'host')
    const drafts = readdirSync(folder).filter((name) => /\.(draft|new)$/.test(name))
    const slots = existsSync(join(folder, 'slots.json')) ? JSON.parse(readFileSync(join(folder, 'slots.json'), 'utf8')).slots : {}
    return [...drafts, ...Object.keys(slots)]
  }

  /** Processes that were started for the installation. */
  ownProcesses(): string[] {
    return pids().filter((pid) => readOf(pid, 'environ').split('\0').includes(`HELIX_DATA_DIR=${this.dataDir}`))
  }
}
