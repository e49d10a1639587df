import { generateKeyPairSync, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { candidateOf, targets } from '../../testing/targets.ts'
import { accessToken } from './google-token.ts'

const [target] = targets

test('a service account’s key becomes a token once, signed as RFC 7523 says, and other keys go as they are', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const asked: URLSearchParams[] = []
  const server = createServer(async (request, response) => {
    asked.push(new URLSearchParams(await text(request)))
    response.end(JSON.stringify({ access_token: 'ya29.token', expires_in: 3600 }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const token_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  const account = {
    client_email: 'robot@p.iam',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    private_key_id: 'k1',
    token_uri,
  }
  if (target === undefined) throw new Error('no target')
  const candidate = { ...candidateOf(target, ''), key: { id: 'k', secret: JSON.stringify(account) } }
  expect(await Promise.all([accessToken(candidate), accessToken(candidate)])).toEqual(['ya29.token', 'ya29.token'])
  expect(asked).toHaveLength(1)
  const [head = '', claims = '', signature = ''] = (asked[0]?.get('assertion') ?? '').split('.')
  expect(verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(true)
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ iss: 'robot@p.iam', aud: token_uri })
  expect(await accessToken({ ...candidate, key: { id: 'k', secret: 'ya29.given' } })).toBe('ya29.given')
  const other = JSON.stringify({ ...account, client_email: 'other@p.iam' })
  await expect(accessToken({ ...candidate, guarded: true, key: { id: 'k', secret: other } })).rejects.toThrow(
    'not an address of the public internet',
  )
  server.close()
})
