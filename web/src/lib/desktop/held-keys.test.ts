import { expect, test } from 'vitest'
import { HeldKeys, platformOf } from './held-keys.ts'

const none = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false }
const press = (key: string, code: string, flags: Partial<typeof none> = {}, location = 0) => ({ ...none, key, code, location, ...flags })
const [down, up] = [(keysym: number) => ({ keysym, down: true }), (keysym: number) => ({ keysym, down: false })]

test('a key goes up as what it went down as, whatever Shift did in between', () => {
  const keys = new HeldKeys('other')
  expect(keys.down(press('Shift', 'ShiftLeft', { shiftKey: true }, 1))).toEqual([down(0xffe1)])
  expect(keys.down(press('A', 'KeyA', { shiftKey: true }))).toEqual([down(0x41)])
  expect(keys.up(press('Shift', 'ShiftLeft', {}, 1))).toEqual([up(0xffe1)])
  expect(keys.up(press('a', 'KeyA'))).toEqual([up(0x41)])
  expect(keys.releaseAll()).toEqual([])
})

test('a modifier whose end was not told goes up with the next event', () => {
  const keys = new HeldKeys('other')
  keys.down(press('Control', 'ControlLeft', { ctrlKey: true }, 1))
  expect(keys.down(press('t', 'KeyT'))).toEqual([up(0xffe3), down(0x74)])
  keys.down(press('Alt', 'AltLeft', { altKey: true }, 1))
  expect(keys.reconcile({ ...none, altKey: true })).toEqual([])
  expect(keys.reconcile(none)).toEqual([up(0xffe9)])
})

test('leaving the window lets go of everything', () => {
  const keys = new HeldKeys('other')
  keys.down(press('Shift', 'ShiftRight', { shiftKey: true }, 2))
  keys.down(press('ArrowUp', 'ArrowUp', { shiftKey: true }))
  expect(keys.releaseAll()).toEqual([up(0xffe2), up(0xff52)])
  expect(keys.up(press('ArrowUp', 'ArrowUp'))).toEqual([])
})

test('AltGr writes its character and is no Control', () => {
  const keys = new HeldKeys('windows')
  keys.down(press('Control', 'ControlLeft', { ctrlKey: true }, 1))
  expect(keys.down(press('AltGraph', 'AltRight', { ctrlKey: true, altKey: true }, 2))).toEqual([up(0xffe3)])
  expect(keys.down(press('@', 'KeyQ', { ctrlKey: true, altKey: true }))).toEqual([down(0x40)])
})

test('on a Mac, Command is Control and lets go of what it swallowed; Option writes, and is Alt with keys that write nothing', () => {
  const keys = new HeldKeys('mac')
  expect(keys.down(press('Meta', 'MetaLeft', { metaKey: true }, 1))).toEqual([down(0xffe3)])
  expect(keys.down(press('c', 'KeyC', { metaKey: true }))).toEqual([down(0x63)])
  expect(keys.up(press('Meta', 'MetaLeft', {}, 1))).toEqual([up(0xffe3), up(0x63)])
  expect(keys.down(press('Alt', 'AltLeft', { altKey: true }, 1))).toEqual([])
  expect(keys.down(press('@', 'KeyL', { altKey: true }))).toEqual([down(0x40)])
  expect(keys.down(press('Tab', 'Tab', { altKey: true }))).toEqual([down(0xffe9), down(0xff09)])
  expect(keys.reconcile(none)).toEqual([up(0xffe9)])
})

test('a shortcut in another script is the one of the key', () => {
  expect(new HeldKeys('other').down(press('с', 'KeyC', { ctrlKey: true }))).toEqual([down(0x63)])
  expect(new HeldKeys('other').down(press('с', 'KeyC'))).toEqual([down(0x0100_0441)])
})

test('a key of a keyboard on glass, which has no place, is tapped', () => {
  expect(new HeldKeys('other').down(press('Enter', ''))).toEqual([down(0xff0d), up(0xff0d)])
})

test('platforms are told by what the browser calls itself', () => {
  expect(platformOf('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)')).toBe('mac')
  expect(platformOf('Mozilla/5.0 (Windows NT 10.0; Win64; x64)')).toBe('windows')
  expect(platformOf('Mozilla/5.0 (X11; Linux x86_64)')).toBe('other')
})
