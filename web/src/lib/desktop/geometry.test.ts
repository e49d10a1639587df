import { expect, test } from 'vitest'
import { extentOfArea, shownExtent, toScreen, WheelSteps, wireButtons } from './geometry.ts'

const screen = { width: 1920, height: 1080 }

test('the picture fits into the page whatever their shapes', () => {
  expect(shownExtent(screen, { width: 960, height: 960 }, 'fit', 2)).toEqual({ width: 960, height: 540 })
  expect(shownExtent(screen, { width: 4000, height: 540 }, 'fit', 1)).toEqual({ width: 960, height: 540 })
})

test('pixel by pixel counts those of the glass', () => {
  expect(shownExtent(screen, { width: 100, height: 100 }, 'actual', 2)).toEqual({ width: 960, height: 540 })
})

test('points of the window are pixels of the screen, to its last one', () => {
  const box = { left: 10, top: 20, width: 960, height: 540 }
  expect(toScreen({ x: 10, y: 20 }, box, screen)).toEqual({ x: 0, y: 0 })
  expect(toScreen({ x: 490, y: 290 }, box, screen)).toEqual({ x: 960, y: 540 })
  expect(toScreen({ x: 5000, y: -3 }, box, screen)).toEqual({ x: 1919, y: 0 })
})

test('a size that is asked for is even, and within what a desktop may have', () => {
  const limits = { leastWidth: 320, leastHeight: 200, mostWidth: 3840, mostHeight: 2160 }
  expect(extentOfArea({ width: 701, height: 433.4 }, 1, limits)).toEqual({ width: 702, height: 434 })
  expect(extentOfArea({ width: 3000, height: 10 }, 2, limits)).toEqual({ width: 3840, height: 200 })
})

test('buttons are in the order of the wire', () => {
  expect([1, 2, 4, 8, 16, 3, 31].map(wireButtons)).toEqual([1, 4, 2, 8, 16, 5, 31])
})

test('small steps of a touchpad add up to whole ones, and none is lost', () => {
  const wheel = new WheelSteps()
  let sum = 0
  for (let step = 0; step < 100; step++) sum += wheel.take({ deltaX: 0, deltaY: 1.5, deltaMode: 0 }).y
  expect(sum).toBe(180)
  expect(wheel.take({ deltaX: -100, deltaY: 0, deltaMode: 0 })).toEqual({ x: -120, y: 0 })
  expect(wheel.take({ deltaX: 0, deltaY: 3, deltaMode: 1 }).y).toBe(120)
})
