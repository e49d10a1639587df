import { z } from 'zod'

const NUL = /\u0000/g

/**
 * Postgres refuses NUL in text and jsonb (22021, 22P05) and lone surrogates in jsonb (22P02). People and models send both, so every
 * stored string passes here: NUL is dropped and a lone surrogate becomes U+FFFD.
 */
export function wellFormed(text: string): string {
  return text.replace(NUL, '').toWellFormed()
}

/** The same for every string inside a JSON value, object keys included. */
export function wellFormedJson<T>(value: T): T {
  if (typeof value === 'string') return wellFormed(value) as T
  if (Array.isArray(value)) return value.map(wellFormedJson) as T
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [wellFormed(key), wellFormedJson(item)])) as T
  }
  return value
}

/** One line of text a person types. `maxLength` counts UTF-16 units. */
export function line(maxLength: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .refine((value) => !value.includes('\u0000') && value.isWellFormed(), 'contains NUL or a lone surrogate: remove it')
}

/** Text of several lines. `maxLength` counts UTF-16 units. */
export function text(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine((value) => !value.includes('\u0000') && value.isWellFormed(), 'contains NUL or a lone surrogate: remove it')
}

/** Units: RFC 3339 in UTC. */
export const timestamp = z.iso.datetime()

export const email = z.email('expected an e-mail address').max(320)

/** Units: characters. */
export const password = z.string().min(12, 'use at least 12 characters').max(200)

export const domain = z.string().regex(/^[a-z0-9.-]+\.[a-z]{2,}$/i, 'expected a domain like example.com')
