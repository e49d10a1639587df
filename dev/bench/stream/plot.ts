import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../config.ts'

export interface Line {
  name: string
  /** Units: milliseconds. */
  values: readonly number[]
}

const [width, height, left, bottom] = [860, 420, 60, 50]
const colours = ['#2563eb', '#dc2626', '#16a34a', '#9333ea', '#ea580c', '#0891b2', '#4b5563']

/** Draws which share of the pictures came within which time, one line each, into docs/pictures. */
export function plotShares(file: string, title: string, lines: readonly Line[], mostMs: number): void {
  const x = (ms: number): number => left + (Math.min(ms, mostMs) / mostMs) * (width - left - 20)
  const y = (share: number): number => height - bottom - share * (height - bottom - 50)
  const parts: string[] = []
  for (let step = 0; step <= 10; step++) {
    const ms = (mostMs / 10) * step
    parts.push(
      `<line x1="${x(ms)}" y1="${y(0)}" x2="${x(ms)}" y2="${y(1)}" stroke="#e5e7eb"/><text x="${x(ms)}" y="${y(0) + 18}" text-anchor="middle">${ms}</text>`,
    )
  }
  for (const share of [0, 0.25, 0.5, 0.75, 0.95, 1])
    parts.push(
      `<line x1="${x(0)}" y1="${y(share)}" x2="${x(mostMs)}" y2="${y(share)}" stroke="#e5e7eb"/><text x="${left - 8}" y="${y(share) + 4}" text-anchor="end">${share * 100} %</text>`,
    )
  for (const [index, { name, values }] of lines.entries()) {
    const sorted = values.toSorted((a, b) => a - b)
    const points = sorted.map((ms, at) => `${x(ms).toFixed(1)},${y((at + 1) / sorted.length).toFixed(1)}`).join(' ')
    const colour = colours[index % colours.length]
    parts.push(`<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    parts.push(`<text x="${width - 20}" y="${height - bottom - 16 - 18 * index}" text-anchor="end" fill="${colour}">${name}</text>`)
  }
  const text = `<text x="${left}" y="28" font-size="16">${title}</text><text x="${width / 2}" y="${height - 10}" text-anchor="middle">milliseconds</text>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="#374151"><rect width="${width}" height="${height}" fill="#ffffff"/>${text}${parts.join('')}</svg>\n`
  mkdirSync(join(root, 'docs/pictures'), { recursive: true })
  writeFileSync(join(root, 'docs/pictures', file), svg)
}
