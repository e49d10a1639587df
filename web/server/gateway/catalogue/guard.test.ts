import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import { expect, test } from 'vitest'
import { checkProviderUrl, guardedConnector, publicAddress } from './guard.ts'

test.each(['127.0.0.1', '[::1]', '10.1.2.3', '169.254.169.254', '[::ffff:127.0.0.1]', '0.0.0.0'])(
  'a provider at %s is refused',
  async (host) => {
    await expect(publicAddress(host)).rejects.toThrow(/not an address of the public internet/)
  },
)

test('a name with one bad address among good ones is refused', async () => {
  await expect(publicAddress('example.com', async () => ['1.1.1.1', '10.0.0.1'])).rejects.toThrow(/10\.0\.0\.1/)
  expect(await publicAddress('example.com', async () => ['1.1.1.1', '8.8.8.8'])).toBe('1.1.1.1')
})

test('a name that turns private after it was saved is not dialled', async () => {
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    response.end('inside')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const answers = [['1.1.1.1'], ['127.0.0.1']]
  await checkProviderUrl('https://models.example.com/v1', false, async () => answers.shift() ?? [])
  for (const host of ['models.example.com', '127.0.0.1', 'localhost']) {
    const pool = new Pool(`http://${host}:${port}`, { connect: guardedConnector({}, async () => ['127.0.0.1']) })
    await expect(pool.request({ path: '/', method: 'GET' })).rejects.toThrow(/not an address of the public internet/)
    await pool.destroy()
  }
  server.close()
  expect(asked).toBe(0)
})

test.each([
  ['http://models.example.com/v1', /https/],
  ['ftp://models.example.com', /https/],
  ['https://user:pass@models.example.com', /no user and no password/],
  ['https://models.example.com/v1?key=1', /before \?/],
  ['https://localhost/v1', /not an address of the public internet/],
])('the address %s is refused with its reason', async (url, reason) => {
  await expect(checkProviderUrl(url, false, async () => ['127.0.0.1'])).rejects.toThrow(reason)
})

test('where the operator allows it, the own network may be used', async () => {
  await checkProviderUrl('http://127.0.0.1:11434/v1', true)
})
