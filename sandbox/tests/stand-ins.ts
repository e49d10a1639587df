import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'

const run = promisify(execFile)
const server = `python3 -c "
import http.server, socketserver
class S(socketserver.ThreadingMixIn, http.server.HTTPServer): daemon_threads = True
S(('0.0.0.0', 8099), http.server.SimpleHTTPRequestHandler).serve_forever()"`

/**
 * What a session may try to reach, played by a network namespace of this test: packets to these addresses go there by routes of one host each, and never
 * leave the machine. The metadata address lives on a range of its own that no cloud uses.
 */
export class StandIns implements AsyncDisposable {
  /** A documentation address (RFC 5737) stands for a host of the internet. */
  readonly internet = '198.51.100.77'
  readonly inner = '10.222.77.7'
  readonly metadata = '169.254.77.254'
  /** A service of this machine that listens on every address. */
  servicePort = 0
  private readonly name = `hxworld${Math.random().toString(36).slice(2, 7)}`
  private readonly service: Server = createServer((_, response) => response.end('of this machine'))
  private process: ChildProcess | null = null

  static async open(): Promise<StandIns> {
    const one = new StandIns()
    await one.begin()
    return one
  }

  private async begin(): Promise<void> {
    const { name } = this
    const [ours, theirs] = [`${name}a`, `${name}b`]
    await run('ip', ['netns', 'add', name])
    await run('ip', ['link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs, 'netns', name])
    await run('ip', ['addr', 'add', '169.254.77.1/30', 'dev', ours])
    await run('ip', ['link', 'set', ours, 'up'])
    const inside = (...args: string[]) => run('ip', ['netns', 'exec', name, ...args])
    await inside('ip', 'addr', 'add', '169.254.77.2/30', 'dev', theirs)
    await inside('ip', 'link', 'set', 'lo', 'up')
    await inside('ip', 'link', 'set', theirs, 'up')
    await inside('ip', 'route', 'add', 'default', 'via', '169.254.77.1')
    for (const address of [this.internet, this.inner, this.metadata]) {
      await inside('ip', 'addr', 'add', `${address}/32`, 'dev', 'lo')
      await run('ip', ['route', 'add', `${address}/32`, 'via', '169.254.77.2', 'dev', ours])
    }
    this.process = spawn('ip', ['netns', 'exec', name, 'bash', '-c', `exec ${server}`], { stdio: 'ignore' })
    await new Promise<void>((resolve) => this.service.listen(0, '0.0.0.0', resolve))
    this.servicePort = (this.service.address() as AddressInfo).port
    for (let tries = 0; ; tries++) {
      const answer = await run('curl', ['-s', '-m', '1', '-o', '/dev/null', '-w', '%{http_code}', `http://${this.internet}:8099/`]).catch(
        () => null,
      )
      if (answer?.stdout === '200') return
      if (tries > 50) throw new Error('the stand-ins do not answer')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** The machine knows the internet's stand-in by this name while `work` runs. */
  async named(name: string, work: () => Promise<void>): Promise<void> {
    const before = await readFile('/etc/hosts', 'utf8')
    await writeFile('/etc/hosts', `${before.trimEnd()}\n${this.internet} ${name}\n`)
    try {
      await work()
    } finally {
      await writeFile('/etc/hosts', before)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process?.kill('SIGKILL')
    this.service.closeAllConnections()
    this.service.close()
    // Its routes and its end of the pair go with it.
    await run('ip', ['netns', 'delete', this.name]).catch(() => undefined)
    await run('ip', ['link', 'delete', `${this.name}a`]).catch(() => undefined)
  }
}
