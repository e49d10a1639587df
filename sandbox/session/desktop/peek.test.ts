import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { peekHeader } from '@helix/contract/desktop-link'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Audience } from './desktop.ts'
import { Peek } from './peek.ts'

let peek: Peek
let server: Server
let audience: Audience
let desktop: Parameters<Peek['at']>[0] & { running: boolean }
let counting: number
beforeEach(async () => {
  counting = 0
  peek = new Peek()
  desktop = {
    running: true,
    attend: (one: Audience) => {
      audience = one
      return () => undefined
    },
    tellChanges: () => {
      counting += 1
      return () => {
        counting -= 1
      }
    },
    stills: { take: async ({ maxWidth }) => Uint8Array.of(6, 0, maxWidth === 320 ? 1 : 0) },
  }
  server = createServer((request, response) => void peek.answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function ask(have: string, signal?: AbortSignal): Promise<{ status: number; have: string; bytes: number[] }> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/desktop/picture?have=${have}`
  const answer = await fetch(url, signal === undefined ? {} : { signal })
  return { status: answer.status, have: answer.headers.get(peekHeader) ?? '', bytes: [...new Uint8Array(await answer.arrayBuffer())] }
}

test('who has nothing gets a picture at once, who has it waits until something changes', async () => {
  peek.at(desktop)
  const first = await ask('')
  expect(first).toMatchObject({ status: 200, bytes: [6, 0, 1] })
  expect(counting).toBe(1)
  let answered = false
  const second = ask(first.have).then((answer) => {
    answered = true
    return answer
  })
  await ask('')
  expect(answered).toBe(false)
  audience.changed?.()
  expect(await second).toMatchObject({ status: 200 })
  expect((await second).have).not.toBe(first.have)
  expect(counting).toBe(1)
})

test('a desktop that does not run is not started, and told once; when it runs, whoever waited gets its picture', async () => {
  const none = await ask('')
  expect(none).toMatchObject({ status: 204, have: 'off' })
  const waiting = ask('off')
  desktop.running = false
  peek.at(desktop)
  desktop.running = true
  audience.ran?.(true)
  expect(await waiting).toMatchObject({ status: 200 })
  desktop.running = false
  expect((await ask((await waiting).have)).status).toBe(204)
})

test('who goes is not waited for', async () => {
  peek.at(desktop)
  const { have } = await ask('')
  const over = new AbortController()
  const waiting = ask(have, over.signal)
  await ask('')
  over.abort()
  await expect(waiting).rejects.toThrow()
  await expect.poll(() => (peek as unknown as { waiting: Set<unknown> }).waiting.size).toBe(0)
})
