import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'

const namespace = 'hxstream'

/** What a link does to packets, each way. */
export interface Shape {
  delayMs: number
  lossPercent: number
  /** 0: as fast as it goes. */
  kbps: number
}

/** A network of its own whose loopback leads to ports of this machine's over a shaped link. */
export class ShapedLink implements AsyncDisposable {
  private readonly child: ChildProcess
  private readonly answers: Interface

  private constructor(child: ChildProcess) {
    this.child = child
    this.answers = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  }

  static async open(ports: number[]): Promise<ShapedLink> {
    const script = join(import.meta.dirname, 'shaped-link.py')
    const link = new ShapedLink(spawn('python3', [script, namespace, ...ports.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] }))
    await link.answered()
    return link
  }

  /** A program that runs another one in this network: for who takes the path of one. */
  programFor(program: string, folder: string): string {
    const path = join(folder, 'in-network')
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${namespace} ${program} "$@"\n`)
    chmodSync(path, 0o755)
    return path
  }

  shape({ delayMs, lossPercent, kbps }: Shape): Promise<void> {
    return this.say(`${delayMs} ${lossPercent} ${kbps}`)
  }

  cut(): Promise<void> {
    return this.say('cut')
  }

  heal(): Promise<void> {
    return this.say('heal')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve))
    this.child.stdin?.end()
    await ended
  }

  private async say(line: string): Promise<void> {
    this.child.stdin?.write(`${line}\n`)
    await this.answered()
  }

  private answered(): Promise<void> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the shaped link ended: it needs root, python3, iproute2 and nftables'))
      this.child.once('close', ended)
      this.answers.once('line', () => {
        this.child.off('close', ended)
        resolve()
      })
    })
  }
}
