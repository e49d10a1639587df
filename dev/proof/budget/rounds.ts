import { setTimeout as sleep } from 'node:timers/promises'
import { listBudgets, setBudget } from '@helix/contract/budgets'
import { type Call, createClient } from '@helix/contract/client'
import { getMe } from '@helix/contract/identity'
import { newId } from '@helix/web/server/context.ts'
import type { Database } from '@helix/web/server/db/database.ts'
import { IdentityStore } from '@helix/web/server/identity/store.ts'
import type { ControlPlane } from '../../stack/control-plane.ts'
import { callModel, type Provider, worst } from './provider.ts'

/** Calls at once, and for how many of them the budget is. */
const callers = 200
const affordable = 50

export interface Round {
  /** Answered, refused for want of budget, and without an answer since their process was killed. */
  passed: number
  refused: number
  lost: number
  /** Any other answer is none that was meant. */
  others: number[]
  limit: number
  billed: number
  /** As the ledger says. */
  spent: number
}

export interface Ground {
  provider: Provider
  planes: [ControlPlane, ControlPlane]
  next: () => number
  /** An organisation of its own for each round: its key, and the API as its owner. */
  organisation(): Promise<{ key: string; call: Call }>
}

/** A new organisation of the administrator with a key: only a browser makes one by the API. */
export async function newOrganisation({ db }: Database, plane: ControlPlane, name: string): Promise<{ key: string; call: Call }> {
  const { user } = await plane.call(getMe, {})
  const id = newId('org')
  await db('organisations').insert({ id, slug: id.slice(-20), name })
  await db('memberships').insert({ org_id: id, user_id: user.id, role: 'owner' })
  const { secret: key } = await new IdentityStore(db).createApiKey(id, user.id, name)
  return { key, call: createClient({ baseUrl: plane.url, token: key }) }
}

const count = (statuses: number[], status: number): number => statuses.filter((one) => one === status).length

/** One call after the other until none is let through any more: what is left then is less than one call may cost. */
async function useTheRest(url: string, key: string): Promise<number[]> {
  const statuses: number[] = []
  do statuses.push(await callModel(url, key))
  while (statuses.at(-1) === 200)
  return statuses
}

async function spentOf(call: Call): Promise<number> {
  const { items } = await call(listBudgets, {})
  return items[0]?.spent ?? -1
}

/** 200 calls at once through two processes against a budget for exactly 50; `strike` happens meanwhile. */
export async function round(ground: Ground, part: () => number, strike: (() => Promise<void>) | null = null): Promise<Round> {
  const { provider, planes, next } = ground
  // A process that has just started takes its first calls slowly: nothing of them would be under way when it is killed.
  const { key: other } = await ground.organisation()
  await Promise.all(planes.flatMap(({ url }) => [1, 2, 3, 4].map(() => callModel(url, other))))
  provider.begin({ delayMs: () => (strike === null ? 5 + next() * 120 : 100 + next() * 500), part })
  const { key, call } = await ground.organisation()
  const limit = affordable * worst
  await call(setBudget, { body: { period: 'total', unit: 'tokens', limit } })
  const struck = strike?.()
  const statuses = await Promise.all(Array.from({ length: callers }, (_, index) => callModel(planes[index % 2 === 0 ? 0 : 1].url, key)))
  await struck
  statuses.push(...(await useTheRest(planes[0].url, key)))
  // Each process tells the ledger within a second.
  await sleep(1500)
  const known = [200, 402, 0]
  return {
    passed: count(statuses, 200),
    refused: count(statuses, 402),
    lost: count(statuses, 0),
    others: statuses.filter((status) => !known.includes(status)),
    limit,
    billed: provider.billed,
    spent: await spentOf(call),
  }
}

/** Kills the second process when part of the budget has reached the provider, and waits until its leases have lapsed. */
export function killing({ provider, planes, next }: Ground): () => Promise<void> {
  return async () => {
    const part = (0.1 + next() * 0.6) * affordable * worst
    for (let waited = 0; provider.billed < part && waited < 10_000; waited += 5) await sleep(5)
    process.kill(planes[1].pid, 'SIGKILL')
    // 15 s until they lapse, and at most 5 until they are swept.
    await sleep(21_000)
  }
}
