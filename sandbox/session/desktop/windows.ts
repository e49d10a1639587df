import type { DesktopWindow } from '../hands/desktop.ts'

/** Columns of `wmctrl -lGpx`: id, desktop, process, place, size, class, machine, title. */
const line = /^(0x[0-9a-f]+)\s+(-?\d+)\s+\d+\s+(-?\d+)\s+(-?\d+)\s+(\d+)\s+(\d+)\s+(.+?)\s{2,}\S+ ?(.*)$/

/** Windows that are on all desktops are the panel and its like, and left out. */
export function windowsIn(listed: string, active: number): DesktopWindow[] {
  return listed.split('\n').flatMap((text) => {
    const found = line.exec(text)
    if (found === null || found[2] === '-1') return []
    const [, id, , x, y, width, height, kind = '', title = ''] = found
    const region = { x: Number(x), y: Number(y), width: Number(width), height: Number(height) }
    return [{ id: Number(id), title, program: kind.split('.').at(-1) ?? kind, region, focused: Number(id) === active }]
  })
}
