import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Call } from '@helix/contract/client'
import { scratchConfig } from '../config.ts'
import { administrator } from './administrator.ts'
import { hostReady } from './host-ready.ts'
import { removeEverything, removeFilter } from './leftovers.ts'
import { Stack } from './stack.ts'

export interface Scratch extends AsyncDisposable {
  stack: Stack
  call: Call
}

/** A whole installation in a temporary folder, beside whatever else runs here; nothing of it is left afterwards but the folder where `keep` says so. */
export async function openScratch(note: (text: string) => void, env: NodeJS.ProcessEnv = {}, keep = () => false): Promise<Scratch> {
  const dataDir = mkdtempSync(join(tmpdir(), 'helix-'))
  const stack = await Stack.start(scratchConfig(dataDir, env), note)
  const dispose = async (): Promise<void> => {
    await stack[Symbol.asyncDispose]()
    await removeEverything(stack.secrets.installation)
    removeFilter(dataDir, stack.secrets.installation)
    if (!keep()) rmSync(dataDir, { recursive: true, force: true })
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
