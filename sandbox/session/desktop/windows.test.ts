import { expect, test } from 'vitest'
import { windowsIn } from './windows.ts'

const listed = `0x00a00008 -1 29     0    1046 1920 34   tint2.Tint2                    N/A tint2
0x01200003  0 58     552  323  817  483  xfce4-terminal.Xfce4-terminal  636d9580acd9 Terminal - agent@636d: /workspace
0x01400002  0 64     -8   0    1920 1046 chromium (/home/agent/.config/helix-browser).Chromium  636d9580acd9 about:blank - Chromium
0x01500002  0 64     0    0    10   10   x.X  host `

test('windows have their places and titles, and the panel is none', () => {
  expect(windowsIn(listed, 0x01200003)).toEqual([
    {
      id: 0x01200003,
      title: 'Terminal - agent@636d: /workspace',
      program: 'Xfce4-terminal',
      region: { x: 552, y: 323, width: 817, height: 483 },
      focused: true,
    },
    {
      id: 0x01400002,
      title: 'about:blank - Chromium',
      program: 'Chromium',
      region: { x: -8, y: 0, width: 1920, height: 1046 },
      focused: false,
    },
    { id: 0x01500002, title: '', program: 'X', region: { x: 0, y: 0, width: 10, height: 10 }, focused: false },
  ])
})

test('no windows and nonsense are no windows', () => {
  expect([windowsIn('', 0), windowsIn('Cannot get client list properties.', 0)]).toEqual([[], []])
})
