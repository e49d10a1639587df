import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, openBench } from './bench.ts'

let packs: string
let bench: Bench

/** An agent that notes down what it was started with, and speaks just enough to be ready. */
beforeAll(async () => {
  packs = mkdtempSync(join(tmpdir(), 'helix-packs-'))
  const bin = join(packs, 'goose_code', 'node_modules', '@aaif', `goose-binary-linux-${process.arch}`, 'bin')
  mkdirSync(bin, { recursive: true })
  const agent = join(import.meta.dirname, '..', 'fake-agent.mjs')
  const note = '{ env; ls "$HOME"; } > "$HOME/started-with"'
  writeFileSync(join(bin, 'goose'), `#!/bin/sh\n${note}\nexec "${process.execPath}" "${agent}"\n`)
  chmodSync(join(bin, 'goose'), 0o755)
  bench = await openBench({ packs, script: () => ({ say: 'Nothing asks the model.' }) })
})
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]()
  rmSync(packs, { recursive: true, force: true })
})

test('a session runs its start-up script in the working copy before the agent, and each secret reaches whom it is for', async () => {
  const script =
    'grep -q Sample README.md\necho "$SCRIPT_TOKEN and $AGENT_TOKEN" > made-by-start-up\ntouch "$HOME/begun-before"\necho "used $SCRIPT_TOKEN"\n'
  const { link, workspace } = await bench.start({
    session: {
      startUp: { script, deadlineSeconds: 60 },
      secrets: [
        { name: 'SCRIPT_TOKEN', value: 'for-the-script-alone', exposure: 'startup' },
        { name: 'AGENT_TOKEN', value: 'for-every-process', exposure: 'environment' },
      ],
    },
  })
  await link.state('ready')
  expect(readFileSync(join(workspace, 'sample', 'made-by-start-up'), 'utf8')).toBe('for-the-script-alone and for-every-process\n')
  const startedWith = readFileSync(join(bench.folder, 'home-workspace-1', 'started-with'), 'utf8')
  expect(startedWith).toContain('AGENT_TOKEN=for-every-process\n')
  expect(startedWith).toContain('begun-before\n')
  expect(startedWith).not.toContain('for-the-script-alone')
  const said = link.texts('tool').at(-1)
  expect(said).toContain('"completed"')
  expect(said).toContain('used [SCRIPT_TOKEN]')
  expect(JSON.stringify(link.entries())).not.toContain('for-the-script-alone')
})

test('a start-up script that fails is told, and the session goes on', async () => {
  const { link } = await bench.start({ workspace: 'failing', session: { startUp: { script: 'echo here; exit 3', deadlineSeconds: 60 } } })
  await link.state('ready')
  expect(link.texts('notice')).toEqual(['The start-up script ended with code 3. The session goes on without the rest of it.'])
  expect(link.texts('tool').at(-1)).toContain('"failed"')
})
