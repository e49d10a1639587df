import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { accessibilityFaults } from './browser.ts'
import { takeControl } from './desktop-control.ts'
import { type DesktopGround, openDesktopGround } from './desktop-ground.ts'
import { DesktopHost } from './desktop-host.ts'
import { openDesktopPage, seesColour } from './desktop-page.ts'

let ground: DesktopGround
let host: DesktopHost

beforeAll(async () => {
  ground = await openDesktopGround()
})
afterAll(() => ground?.[Symbol.asyncDispose]())
beforeEach(async () => {
  host = await DesktopHost.open()
})
afterEach(() => host.close())

const open = () => openDesktopPage(ground.person, ground, host)

test('two people see each other’s pointers; who takes over is asked first, and who lost control is told', async () => {
  const ada = await open()
  await seesColour(ada.page, 'red')
  await takeControl(ada.page)
  const grace = await open()
  await seesColour(grace.page, 'red')
  await grace.page.getByText('Ada drives.').waitFor()
  await ada.page.getByText('1 other is here').waitFor()
  await grace.page.locator('[data-picture]').hover({ position: { x: 100, y: 100 } })
  await ada.page.locator('[data-viewer-cursor]').getByText('Grace').waitFor()
  await grace.page.locator('[data-remote-cursor]').getByText('Ada').waitFor()
  const [first, second] = host.seats
  await grace.page.keyboard.press('x')
  await grace.page.locator('[data-picture]').click()
  await grace.page.getByText('Ada works in it right now').waitFor()
  expect(await accessibilityFaults(grace.page)).toEqual([])
  await grace.page.getByRole('button', { name: 'Not now' }).click()
  await grace.page.getByRole('button', { name: 'Take control' }).click()
  await grace.page.getByRole('button', { name: 'Take over' }).click()
  await grace.page.getByText('You drive.').waitFor()
  await ada.page.getByText('Grace took control.').waitFor()
  expect(second?.said('take').map(({ force }) => force)).toEqual([false, false, true])
  expect([first?.keys, second?.keys]).toEqual([[], []])
  expect(second?.of('pointer').every(({ buttons }) => buttons === 0)).toBe(true)
  await grace.page.getByRole('button', { name: 'Hand back' }).click()
  await ada.page.getByText('Nobody drives.').waitFor()
  expect([...ada.errors, ...grace.errors, ...host.refused]).toEqual([])
  await Promise.all([ada.page.close(), grace.page.close()])
})

test('the agent is paused by choice, also while one drives already', async () => {
  const { page } = await open()
  await takeControl(page)
  await page.getByRole('button', { name: 'Pause the agent while you drive' }).click()
  await page.getByText('You drive; the agent is paused.').waitFor()
  expect(host.seat.said('take').map(({ pausesAgent }) => pausesAgent)).toEqual([false, true])
  await page.close()
})

test('who may only look is told why, and has no way to drive', async () => {
  host.right = 'view'
  const { page } = await open()
  await seesColour(page, 'red')
  await page.getByText('To drive you need the role member').waitFor()
  await page.locator('[data-picture]').click()
  expect(await page.getByRole('button', { name: 'Take control' }).count()).toBe(0)
  expect(host.seat.said('take')).toEqual([])
  expect(await accessibilityFaults(page)).toEqual([])
  await page.close()
})

test('quality, size, theme, sound and figures are asked of the desktop', async () => {
  const { page, errors } = await open()
  await seesColour(page, 'red')
  await page.getByRole('combobox', { name: 'Quality' }).selectOption('saver')
  await page.getByRole('button', { name: 'Sound' }).click()
  await page.getByRole('button', { name: 'Figures' }).click()
  await page.evaluate(`document.documentElement.dataset.theme = 'dark'`)
  host.seat.shows('green')
  await page.getByLabel('Figures', { exact: true }).getByText('ms').first().waitFor()
  await takeControl(page)
  await page.getByRole('button', { name: 'Resize the desktop to this window' }).click()
  await expect.poll(() => host.seat.said('resize')).toHaveLength(1)
  const [size] = host.seat.said('resize')
  const area = await page.evaluate(
    `(({ clientWidth, clientHeight }) => [clientWidth, clientHeight])(document.querySelector('[data-picture]').parentElement)`,
  )
  expect([size?.width, size?.height].map((side, index) => Math.abs(Number(side) - ((area as number[])[index] ?? 0)) < 2)).toEqual([
    true,
    true,
  ])
  expect(host.seat.said('quality')).toEqual([{ type: 'quality', preset: 'saver' }])
  expect(host.seat.said('audio')).toEqual([{ type: 'audio', on: true }])
  expect(host.seat.said('stats')).toEqual([{ type: 'stats', on: true }])
  expect(host.seat.said('theme').map(({ dark }) => dark)).toEqual([false, true])
  expect([...errors, ...host.refused]).toEqual([])
  await page.close()
})

test('full screen and pixel by pixel are a key away, and a phone has all of it', async () => {
  const { page } = await open()
  await seesColour(page, 'red')
  await page.getByRole('button', { name: '1:1, pixel by pixel' }).click()
  await expect.poll(async () => (await page.locator('[data-picture]').boundingBox())?.width).toBe(1920)
  await page.getByRole('button', { name: 'Full screen' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Leave full screen' }).click()
  await page.getByRole('button', { name: 'Full screen' }).waitFor()
  await page.setViewportSize({ width: 390, height: 844 })
  await page.getByRole('button', { name: '1:1, pixel by pixel' }).click()
  await expect.poll(async () => ((await page.locator('[data-picture]').boundingBox())?.width ?? 999) <= 390).toBe(true)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
  expect(await accessibilityFaults(page)).toEqual([])
  await page.close()
})
