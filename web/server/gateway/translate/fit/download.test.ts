import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildConnector } from 'undici'
import { expect, test } from 'vitest'
import { createDownload } from './download.ts'

const signal = new AbortController().signal

async function served(listener: RequestListener, work: (url: URL) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await work(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a.png`))
  server.closeAllConnections()
  server.close()
}

test('a client’s URL reaches public addresses only, over https', async () => {
  const download = createDownload()
  await expect(download(new URL('http://example.com/a.png'), signal)).rejects.toThrow('not behind https')
  for (const host of ['127.0.0.1', '169.254.169.254', '10.0.0.1', '[::1]', 'localhost'])
    await expect(download(new URL(`https://${host}/a.png`), signal)).rejects.toThrow(/not an address of the public internet/)
})

test('redirects, errors and what is too large are refused', async () => {
  const download = createDownload(buildConnector({}), ['http:'])
  await served(
    (request, response) => {
      if (request.url === '/a.png') response.writeHead(302, { location: '/b.png' }).end()
      else if (request.url === '/large') response.writeHead(200).end(Buffer.alloc(21 * 1024 * 1024))
      else response.writeHead(200, { 'content-type': 'image/png; a=b' }).end('picture')
    },
    async (url) => {
      await expect(download(url, signal)).rejects.toThrow('answers 302')
      await expect(download(new URL('/large', url), signal)).rejects.toThrow('larger than 20 MB')
      expect(await download(new URL('/c.png', url), signal)).toEqual({ mediaType: 'image/png', data: Buffer.from('picture') })
    },
  )
})
