import { expect, test } from 'vitest'
import { keysymOf, latinOf } from './keysyms.ts'

const of = (key: string, code = '', location = 0) => keysymOf({ key, code, location })

test('a key is what the person’s own layout writes with it', () => {
  expect([of('a'), of('A'), of('ß'), of('é'), of('/')]).toEqual([0x61, 0x41, 0xdf, 0xe9, 0x2f])
  expect([of('я'), of('€'), of('あ'), of('😀')]).toEqual([0x0100_044f, 0x0100_20ac, 0x0100_3042, 0x0101_f600])
})

test('keys without a character have their X names', () => {
  expect([of('Enter'), of('Escape'), of('ArrowLeft'), of('Delete'), of('F1'), of('F12'), of('F24')]).toEqual([
    0xff0d, 0xff1b, 0xff51, 0xffff, 0xffbe, 0xffc9, 0xffd5,
  ])
})

test('the side of a modifier and the keypad are told apart', () => {
  expect([of('Shift', 'ShiftLeft', 1), of('Shift', 'ShiftRight', 2), of('Control', 'ControlRight', 2)]).toEqual([0xffe1, 0xffe2, 0xffe4])
  expect([of('1', 'Numpad1', 3), of('End', 'Numpad1', 3), of('Enter', 'NumpadEnter', 3), of('+', 'NumpadAdd', 3)]).toEqual([
    0xffb1, 0xff9c, 0xff8d, 0xffab,
  ])
  expect(of(',', 'NumpadDecimal', 3)).toBe(0x2c)
})

test('what is the browser’s own business is no key', () => {
  for (const key of ['Dead', 'Process', 'Unidentified', 'CapsLock', 'NumLock', 'Compose', 'AltGraph', 'F25', '']) expect(of(key)).toBeNull()
})

test('a shortcut means the key where the layout writes another script', () => {
  expect(latinOf({ key: 'с', code: 'KeyC', location: 0 })).toBe('c')
  expect(latinOf({ key: 'z', code: 'KeyY', location: 0 })).toBe('z')
  expect(latinOf({ key: 'Enter', code: 'Enter', location: 0 })).toBe('Enter')
})
