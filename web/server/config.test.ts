import { expect, test } from 'vitest'
import { parseConfig } from './config.ts'

const secrets = { HELIX_ENCRYPTION_KEY: 'e'.repeat(64), HELIX_RUNNER_TOKEN: 'r'.repeat(40), HELIX_WORKER_TOKEN: 'w'.repeat(40) }

test('what is missing or wrong is refused, all of it at once and by name', () => {
  expect(() => parseConfig({ PORT: 'web', FRONTEND_URL: 'helix', HELIX_WORKER_TOKEN: 'short' })).toThrow(
    /not valid[\s\S]*PORT[\s\S]*FRONTEND_URL[\s\S]*HELIX_ENCRYPTION_KEY[\s\S]*HELIX_RUNNER_TOKEN[\s\S]*HELIX_WORKER_TOKEN: use at least 32 characters/,
  )
})

test('an empty variable counts as absent', () => {
  expect(parseConfig({ ...secrets, PORT: '', OPENAI_API_KEY: '' })).toMatchObject({ PORT: 8080, frontendUrl: 'http://localhost:8080' })
})

test('cookies are secure behind https', () => {
  expect(parseConfig({ ...secrets, FRONTEND_URL: 'https://helix.example/' })).toMatchObject({
    secure: true,
    frontendUrl: 'https://helix.example',
  })
})
