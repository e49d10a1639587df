import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** 256 bits, URL-safe. */
export function newSecret(prefix: string): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`
}

/** Secrets of 256 bits need no salt and no stretching: one hash makes a stolen table useless. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(password.normalize('NFKC'), salt, 32, cost, (error, key) => (error ? reject(error) : resolve(key))),
  )
}

/** `scrypt$<salt>$<key>`, base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  return `scrypt$${salt.toString('base64url')}$${(await derive(password, salt)).toString('base64url')}`
}

/** Takes as long for an account without a password as for one with. */
export async function passwordMatches(password: string, stored: string | null): Promise<boolean> {
  const [, salt = 'AAAAAAAAAAAAAAAAAAAAAA', key = ''] = stored?.split('$') ?? []
  const derived = await derive(password, Buffer.from(salt, 'base64url'))
  const expected = Buffer.from(key, 'base64url')
  return stored !== null && expected.length === derived.length && timingSafeEqual(expected, derived)
}
