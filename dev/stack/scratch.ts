import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Call } from '@helix/contract/client'
import { listHosts } from '@helix/contract/system'
import { scratchConfig } from '../config.ts'
import { administrator } from './administrator.ts'
import { removeEverything } from './leftovers.ts'
import { Stack } from './stack.ts'
import { persistently } from './story.ts'

export interface Scratch extends AsyncDisposable {
  stack: Stack
  call: Call
}

/** Waits until a sandbox host takes work, with the agent pack of the demo installed. */
export async function hostReady(call: Call, deadlineMs = 300_000): Promise<void> {
  await persistently(async () => {
    const { items } = await call(listHosts, {})
    const ready = items.some((host) => host.online && host.problem === null && host.capacity > 0)
    if (!ready) throw new Error(items[0]?.problem ?? 'no sandbox host has reported yet')
  }, deadlineMs)
}

/** A whole installation in a temporary folder, beside whatever else runs here; nothing of it is left afterwards. */
export async function openScratch(note: (text: string) => void, env: NodeJS.ProcessEnv = {}): Promise<Scratch> {
  const dataDir = mkdtempSync(join(tmpdir(), 'helix-'))
  const stack = await Stack.start(scratchConfig(dataDir, env), note)
  const dispose = async (): Promise<void> => {
    await stack[Symbol.asyncDispose]()
    await removeEverything(stack.secrets.installation)
    rmSync(dataDir, { recursive: true, force: true })
  }
  try {
    await stack.ready()
    const call = await administrator(stack)
    await hostReady(call)
    return { stack, call, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    note(stack.lastLines('sandbox-host'))
    await dispose()
    throw error
  }
}
