import type { ProjectSettings } from '@helix/contract/projects'
import { expect, test } from 'vitest'
import { changeSandbox, pickSandbox } from './sandbox.ts'

const settings = {
  size: 'medium',
  customSize: null,
  image: 'registry.example.com/team/image:1',
  imageLogin: { user: 'robot', secret: 'REGISTRY_TOKEN' },
  desktop: { enabled: true, width: 1920, height: 1080, scale: 150, fps: 60 },
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

test('a registry is signed in to with both or with nothing, and half of it is sent to be told what is missing', () => {
  const value = { ...pickSandbox(settings), imageUser: ' ', imageSecret: '' }
  expect(changeSandbox(value)).toMatchObject({ imageLogin: null })
  expect(changeSandbox({ ...value, imageUser: ' robot ' })).toMatchObject({ imageLogin: { user: 'robot', secret: '' } })
})

test('a size of one’s own is typed in gigabytes, and an empty image is the installation’s own', () => {
  const value = { ...pickSandbox(settings), size: 'custom' as const, cpus: '1.5', memory: '6.5', disk: '30', image: ' ' }
  expect(changeSandbox(value)).toMatchObject({ customSize: { cpus: 1.5, memoryMb: 6656, diskMb: 30_720 }, image: null })
})

test('a screen of one’s own is typed, and one with a name chosen', () => {
  const desktop = { ...settings.desktop, width: 1000, height: 700 }
  const own = pickSandbox({ ...settings, desktop })
  expect([own.screen, own.screenWidth, pickSandbox(settings).screen]).toEqual(['custom', '1000', '1920x1080'])
  expect(changeSandbox({ ...own, screenHeight: '720', fps: '30' }).desktop).toEqual({ ...desktop, height: 720, fps: 30 })
  expect(changeSandbox({ ...own, screen: '3840x2160' }).desktop).toMatchObject({ width: 3840, height: 2160 })
  expect(changeSandbox({ ...own, desktopEnabled: false }).desktop).toEqual({ ...desktop, enabled: false })
})
