import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface ToolAnswer {
  content: ({ type: 'text'; text: string } | { type: 'image'; data: string; mimeType: string })[]
  isError?: boolean
}

/** An MCP client of a program on standard streams. */
export class McpClient implements Disposable {
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, (answer: unknown) => void>()
  private next = 1

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    if (this.child.stdout === null) throw new Error('no standard output')
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const { id, result, error } = JSON.parse(line)
      this.waiting.get(id)?.(error === undefined ? result : Promise.reject(new Error(error.message)))
      this.waiting.delete(id)
    })
  }

  async greet(): Promise<void> {
    await this.ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } })
    this.write({ method: 'notifications/initialized' })
  }

  ask(method: string, params: object = {}): Promise<unknown> {
    const id = this.next++
    return new Promise((resolve) => {
      this.waiting.set(id, resolve)
      this.write({ id, method, params })
    })
  }

  /** The text of what a tool answers. Throws what it refuses. */
  async use(name: string, args: object = {}): Promise<string> {
    const { content, isError } = await this.call(name, args)
    const text = content.flatMap((one) => (one.type === 'text' ? [one.text] : [])).join('\n')
    if (isError) throw new Error(text)
    return text
  }

  async call(name: string, args: object = {}): Promise<ToolAnswer> {
    return (await this.ask('tools/call', { name, arguments: args })) as ToolAnswer
  }

  private write(message: object): void {
    this.child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  [Symbol.dispose](): void {
    this.child.kill()
  }
}
