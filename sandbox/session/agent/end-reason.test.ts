import { expect, test } from 'vitest'
import { endReason } from './end-reason.ts'

test('an agent that needs a newer C library than its image has says which, and the way out', () => {
  const said = [
    "/opt/agents/goose_code/goose: /lib64/libm.so.6: version `GLIBC_2.29' not found (required by /opt/agents/goose_code/goose)",
    "/opt/agents/goose_code/goose: /lib64/libc.so.6: version `GLIBC_2.28' not found (required by /opt/agents/goose_code/goose)",
    "/opt/agents/goose_code/goose: /lib64/libc.so.6: version `GLIBC_2.2.5' not found (required by /opt/agents/goose_code/goose)",
  ].join('\n')
  expect(endReason(1, null, said)).toBe(
    'the agent cannot run on this image: it needs glibc 2.29, and the image has an older one: choose an image with a newer one, like debian:12 or ubuntu:22.04, in the project’s settings (Sandbox)',
  )
  expect(endReason(127, null, 'Error relocating /opt/agents/x: __res_init: symbol not found')).toContain('it needs glibc, and')
})

test('what else an agent says at its end is told by the line that names an error', () => {
  expect(endReason(1, null, 'starting\nError: no key\n    at main')).toBe('the agent ended with code 1: Error: no key')
  expect(endReason(null, 'SIGKILL', '')).toBe('the agent was ended by SIGKILL')
  expect(endReason(0, null, 'bye')).toBe('the agent ended with code 0')
})
