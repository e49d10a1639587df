import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runStartUp, startUpFailure } from './start-up.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helix-start-up-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const run = (script: string, deadlineMs = 20_000, signal = new AbortController().signal) =>
  runStartUp({
    user: { ids: null, home: folder, env: { PATH: process.env.PATH ?? '' } },
    script,
    cwd: folder,
    runDir: folder,
    env: { NPM_TOKEN: 'hush' },
    deadlineMs,
    signal,
    progress: () => undefined,
  })

test('the script runs in the working copy with its secrets, and stops at its first failure', async () => {
  const result = await run('pwd; echo "$NPM_TOKEN" >&2; false; echo never')
  expect(result).toEqual({ code: 1, timedOut: false, output: expect.stringContaining(`${folder}\n`) })
  expect(result.output).toContain('hush')
  expect(result.output).not.toContain('never')
  expect(startUpFailure(result, 1000)).toBe('The start-up script ended with code 1. The session goes on without the rest of it.')
  expect(existsSync(join(folder, 'start-up'))).toBe(false)
})

test('a first line that names a program is followed', async () => {
  expect(await run('#!/bin/sh\necho "$0" | grep -c start-up\n')).toEqual({ code: 0, timedOut: false, output: '1\n' })
})

test('a script that does not end is ended with all it started', async () => {
  const result = await run('echo begun; sleep 600 & sleep 600', 300)
  expect(result).toEqual({ code: null, timedOut: true, output: 'begun\n' })
  expect(startUpFailure(result, 300)).toContain('was ended after 0.3 s')
})

test('what it leaves running in the background does not hold the session up', async () => {
  const result = await run('sleep 3 & echo done')
  expect([result.code, result.output]).toEqual([0, 'done\n'])
})

test('only the end of much output is kept', async () => {
  const { output } = await run('head -c 200000 /dev/zero | tr "\\\\0" x; echo end')
  expect(output.length).toBeLessThanOrEqual(32 * 1024)
  expect(output.endsWith('end\n')).toBe(true)
})
