import { domainRule } from '@helix/contract/egress'
import { describe, expect, test } from 'vitest'
import { allowed } from './domains.ts'
import { reachable } from './ranges.ts'

describe('a list of domains', () => {
  const rules = ['example.com', '*.npm.example', 'git.example:8443']

  test.each([
    ['example.com', 443, true],
    ['EXAMPLE.com.', 80, true],
    ['example.com', 22, false],
    ['www.example.com', 443, false],
    ['notexample.com', 443, false],
    ['registry.npm.example', 443, true],
    ['a.b.npm.example', 443, true],
    ['npm.example', 443, false],
    ['evilnpm.example', 443, false],
    ['git.example', 8443, true],
    ['git.example', 443, false],
    ['', 443, false],
  ])('%s:%i is allowed: %s', (host, port, answer) => {
    expect(allowed(rules, host, port)).toBe(answer)
  })

  test.each(['example', '*', '*.com:0', 'http://example.com', '10.0.0.1', 'exa mple.com', '-a.example', 'a..example', 'ex*mple.com'])(
    '%s is no domain',
    (text) => {
      expect(domainRule.safeParse(text).success).toBe(false)
    },
  )
})

describe('addresses', () => {
  test.each([
    ['8.8.8.8', true],
    ['10.0.0.1', false],
    ['100.64.0.1', false],
    ['127.0.0.1', false],
    ['169.254.169.254', false],
    ['172.31.255.255', false],
    ['172.32.0.1', true],
    ['192.168.1.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['0.0.0.0', false],
    ['::1', false],
    ['::ffff:10.0.0.1', false],
    ['2001:db8::1', false],
    ['10.9.0.7', true],
    ['not an address', false],
  ])('%s may be reached: %s', (address, answer) => {
    expect(reachable(['10.9.0.0/16'])(address)).toBe(answer)
  })
})
