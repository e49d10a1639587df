import type { ProjectSettings } from '@helix/contract/projects'
import { expect, test } from 'vitest'
import { changeSandbox, pickSandbox } from './sandbox.ts'

const settings = {
  size: 'medium',
  customSize: null,
  image: null,
  idleMinutes: 10,
  ttlHours: 0,
  hostLabels: { gpu: 'a100' },
  minimumRung: null,
  egressMode: 'listed',
  egressDomains: ['example.com'],
} as unknown as ProjectSettings

test('what was read and not touched is written as it was', () => {
  const { customSize: _, ...unchanged } = settings
  expect(changeSandbox(pickSandbox(settings))).toEqual(unchanged)
})

test('a size of one’s own is typed in gigabytes, and an empty image is the installation’s own', () => {
  const value = { ...pickSandbox(settings), size: 'custom' as const, cpus: '1.5', memory: '6.5', disk: '30', image: ' ' }
  expect(changeSandbox(value)).toMatchObject({ customSize: { cpus: 1.5, memoryMb: 6656, diskMb: 30_720 }, image: null })
})
