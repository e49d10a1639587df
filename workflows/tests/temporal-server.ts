import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'

const searchAttributes = JSON.parse(readFileSync(new URL('../../temporal/search-attributes.json', import.meta.url), 'utf8')) as string[]

export interface TemporalServer extends AsyncDisposable {
  address: string
  client: Client
}

async function connect(address: string, child: ChildProcess): Promise<Connection> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await Connection.connect({ address, connectTimeout: '2s' })
    } catch (error) {
      if (attempt > 150 || child.exitCode !== null) throw error
      await sleep(200)
    }
  }
}

/** A Temporal development server in memory, of the binary in HELIX_TEMPORAL_BIN or on the PATH. */
export async function startTemporal(): Promise<TemporalServer> {
  const port = randomInt(200, 600) * 100
  const address = `127.0.0.1:${port}`
  const args = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error']
  const attributes = searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`])
  const child = spawn(process.env.HELIX_TEMPORAL_BIN ?? 'temporal', [...args, ...attributes], { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  const connection = await connect(address, child)
  return {
    address,
    client: new Client({ connection }),
    async [Symbol.asyncDispose]() {
      await connection.close()
      child.kill('SIGKILL')
      await ended
    },
  }
}
