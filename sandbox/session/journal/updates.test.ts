import type { SessionUpdate, ToolCallContent } from '@agentclientprotocol/sdk'
import { expect, test } from 'vitest'
import { entryOf } from './updates.ts'

const call = (kind: string | undefined) => () => ({ id: '1.c', toolKind: kind })
const report = (fields: object): SessionUpdate => ({ sessionUpdate: 'tool_call_update', toolCallId: 'c', ...fields })
const contentOf = (fields: object, kind?: string) => {
  const entry = entryOf(report(fields), call(kind))
  return entry?.kind === 'tool' ? entry.content : undefined
}
const image = (bytes: Buffer, mimeType: string): ToolCallContent => ({
  type: 'content',
  content: { type: 'image', data: bytes.toString('base64'), mimeType },
})
const png = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(40)])

test('a picture is what its bytes say, and active content is none', () => {
  expect(contentOf({ content: [image(png, 'text/html')] })).toEqual([
    { kind: 'image', mediaType: 'image/png', data: png.toString('base64') },
  ])
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
  expect(contentOf({ content: [image(svg, 'image/png')] })).toEqual([{ kind: 'text', text: expect.stringContaining('is no PNG') }])
})

test('a picture that no frame would hold is named instead', () => {
  expect(contentOf({ content: [image(Buffer.concat([png, Buffer.alloc(400_000)]), 'image/png')] })).toEqual([
    { kind: 'text', text: '[An image of 391 KiB is not kept: it is too large.]' },
  ])
})

test('what a command wrote is shown as a terminal, with its exit code where it is known', () => {
  expect(contentOf({ rawOutput: { stdout: 'a', stderr: 'b', exitCode: 2 } }, 'execute')).toEqual([
    { kind: 'terminal', output: 'a\nb', exitCode: 2 },
  ])
  expect(contentOf({ content: [{ type: 'content', content: { type: 'text', text: 'ok' } }] }, 'execute')).toEqual([
    { kind: 'terminal', output: 'ok', exitCode: null },
  ])
  expect(contentOf({ content: [{ type: 'content', content: { type: 'text', text: 'ok' } }] }, 'read')).toEqual([
    { kind: 'text', text: 'ok' },
  ])
})

test('of huge output the beginning and the end are kept, and how much is missing is said', () => {
  const [piece] = contentOf({ rawOutput: `first${'x'.repeat(200_000)}last` }, 'execute') ?? []
  if (piece?.kind !== 'terminal') throw new Error('not a terminal')
  expect(piece.output.length).toBeLessThan(66_000)
  expect(piece.output).toMatch(/^first.*\n… 134473 characters left out …\n.*last$/s)
})
