import { describe, expect, test } from 'vitest'
import { parseConfig } from './config.ts'

const token = 'r'.repeat(32)

describe('configuration', () => {
  test('the runner token is all that must be given', () => {
    const config = parseConfig({ HELIX_RUNNER_TOKEN: token, HELIX_HOST_CAPACITY: '' })
    expect(config).toMatchObject({ controlPlaneUrl: 'http://127.0.0.1:8080', capacity: undefined, port: 0, installation: 'default' })
    expect(config.session).toMatchObject({ image: 'helix-session:dev' })
    expect([config.labels, config.memoryFactor]).toEqual([{}, 2])
    expect(parseConfig({ HELIX_RUNNER_TOKEN: token, HELIX_HOST_LABELS: 'gpu=a100, rack=r1' }).labels).toEqual({ gpu: 'a100', rack: 'r1' })
    expect(config.most).toEqual({ memoryBytes: undefined, cpus: undefined })
  })

  test('every wrong variable is named', () => {
    const wrong = {
      HELIX_RUNNER_TOKEN: 'short',
      HELIX_CONTROL_PLANE_URL: 'not a url',
      HELIX_HOST_CAPACITY: '-1',
      HELIX_HOST_MEMORY_FACTOR: '0',
      HELIX_HOST_LABELS: 'gpu',
      HELIX_SESSION_SUBNETS: 'everything',
      HELIX_INSTALLATION: 'A b',
      DOCKER_HOST: '/var/run/docker.sock',
    }
    for (const name of Object.keys(wrong)) expect(() => parseConfig(wrong)).toThrow(name)
  })

  test('secrets of Helix and of providers are not for npm', () => {
    const { npmEnvironment } = parseConfig({
      HELIX_RUNNER_TOKEN: token,
      OPENAI_API_KEY: 'secret',
      DATABASE_URL: 'secret',
      NPM_TOKEN: 'npm',
    })
    expect(JSON.stringify(npmEnvironment)).not.toContain('secret')
    expect(JSON.stringify(npmEnvironment)).not.toContain(token)
    expect(npmEnvironment.NPM_TOKEN).toBe('npm')
  })
})
