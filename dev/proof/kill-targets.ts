import { execFileSync } from 'node:child_process'
import type { ProcessName } from '../stack/plans.ts'
import { sessionContainers } from '../stack/session-containers.ts'
import type { Stack } from '../stack/stack.ts'

export const targets = ['control-plane', 'worker', 'sandbox-host', 'temporal', 'agent', 'container'] as const
export type Target = (typeof targets)[number]

/** mulberry32: 32 bits of state, enough to repeat a run. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Processes of the agent in a container, as this machine numbers them. */
function agentPids(container: string): number[] {
  const rows = execFileSync('docker', ['top', container, '-eo', 'pid,args'], { encoding: 'utf8' }).split('\n').slice(1)
  return rows.filter((row) => row.includes('/opt/agents/')).map((row) => Number(row.trim().split(/\s+/)[0]))
}

/** Kills one target with SIGKILL. Answers with what was hit, or null when there was nothing to hit. */
export async function strike(stack: Stack, target: Target, next: () => number): Promise<string | null> {
  if (target !== 'agent' && target !== 'container') {
    const { pid } = stack.process(target satisfies ProcessName)
    if (pid === null) return null
    stack.process(target).kill('SIGKILL')
    return `process ${pid}`
  }
  const containers = await sessionContainers(stack.secrets.installation)
  const container = containers[Math.floor(next() * containers.length)]?.id
  if (container === undefined) return null
  if (target === 'container') {
    execFileSync('docker', ['kill', '--signal', 'KILL', container], { stdio: 'ignore' })
    return `container ${container.slice(0, 12)}`
  }
  const pids = agentPids(container)
  if (pids.length === 0) return null
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  return `agent ${pids.join(', ')} in ${container.slice(0, 12)}`
}
