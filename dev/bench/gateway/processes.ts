import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Answer, Order } from './load.ts'

function start(file: string): ChildProcess {
  return fork(join(import.meta.dirname, file), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  if (child.exitCode === null && child.kill('SIGKILL')) await gone
}

export interface MockProvider extends AsyncDisposable {
  url: string
}

export async function startProvider(): Promise<MockProvider> {
  const child = start('provider.ts')
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => end(child) }
}

/** The load generator, in a process of its own: what it costs is not the gateway's. */
export class Generator implements AsyncDisposable {
  private readonly child = start('load.ts')

  async run(order: Order): Promise<Answer> {
    const answered = once(this.child, 'message')
    this.child.send(order)
    return (await answered)[0] as Answer
  }

  [Symbol.asyncDispose](): Promise<void> {
    return end(this.child)
  }
}
