import type { Tool } from './tool.ts'
import { key, type } from './tools/keyboard.ts'
import { clipboard, open, size, waitUntilStill } from './tools/others.ts'
import { click, drag, move, scroll } from './tools/pointer.ts'
import { screenshot } from './tools/screenshot.ts'
import { windows } from './tools/windows.ts'

/** All that an agent can do with the desktop, in the order it is told. */
export const tools: readonly Tool[] = [screenshot, click, drag, move, scroll, type, key, windows, clipboard, open, waitUntilStill, size]
