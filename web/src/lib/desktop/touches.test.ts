import { expect, test } from 'vitest'
import { Touches } from './touches.ts'

const at = (x: number, y: number) => ({ x, y })
const pointer = (x: number, y: number, buttons: number) => ({ kind: 'pointer', at: { x, y }, buttons })

test('a tap is a click, even of a finger that trembles', () => {
  const touches = new Touches()
  expect(touches.down(1, at(5, 5))).toEqual([pointer(5, 5, 0)])
  expect(touches.move(1, at(8, 7))).toEqual([])
  expect(touches.up(1)).toEqual([pointer(8, 7, 1), pointer(8, 7, 0)])
})

test('a long rest is the right button, once', () => {
  const touches = new Touches()
  touches.down(1, at(5, 5))
  expect(touches.held()).toEqual([pointer(5, 5, 4), pointer(5, 5, 0)])
  expect(touches.held()).toEqual([])
  expect(touches.up(1)).toEqual([])
})

test('a moving finger drags from where it came down', () => {
  const touches = new Touches()
  touches.down(1, at(0, 0))
  expect(touches.move(1, at(20, 0))).toEqual([pointer(0, 0, 1), pointer(20, 0, 1)])
  expect(touches.held()).toEqual([])
  expect(touches.move(1, at(40, 0))).toEqual([pointer(40, 0, 1)])
  expect(touches.up(1)).toEqual([pointer(40, 0, 0)])
})

test('two fingers scroll, and nothing stays pressed when the second comes', () => {
  const touches = new Touches()
  touches.down(1, at(0, 0))
  touches.move(1, at(0, 30))
  expect(touches.down(2, at(50, 30))).toEqual([pointer(0, 30, 0)])
  expect(touches.move(1, at(0, 10))).toEqual([{ kind: 'scroll', dx: 0, dy: 10 }])
  expect(touches.up(1)).toEqual([])
  expect(touches.up(2)).toEqual([])
})

test('fingers that the browser takes away let go', () => {
  const touches = new Touches()
  touches.down(1, at(0, 0))
  touches.move(1, at(30, 0))
  expect(touches.cancel()).toEqual([pointer(30, 0, 0)])
  expect(touches.move(1, at(60, 0))).toEqual([])
})
