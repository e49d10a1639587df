import type { Engine, Labels } from '../engine/engine.ts'
import { plainContainer } from '../engine/plain-container.ts'

/** Units: milliseconds. */
const deadlineMs = 120_000
/** Owners, devices that stand for deleted files, and attributes of layers. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'MKNOD', 'SETFCAP']
/** An attribute that cannot be kept is a failure: without it a folder shows files again that a layer deleted. */
export const copy = 'cp -dR --reflink=auto --preserve=mode,ownership,timestamps,links,xattr'
export interface CopyParts {
  engine: Engine
  image: string
  labels: Labels
}

/** What a script of `keep` ends with when there is more than it may keep, and when there is too little to be worth it. */
export const tooLarge = 3
export const tooSmall = 4

/** Answers with the bytes that the script says last; null: they are too many or too few. Rejects when not all of it could be copied. */
export async function keepCopy(parts: CopyParts, from: string, to: string, script: string): Promise<number | null> {
  const { code, said } = await runCopy(parts, from, to, script)
  if (code === tooLarge || code === tooSmall) return null
  if (code !== 0) throw new Error(`it cannot be copied: ${said || `code ${code}`}`)
  return Number(said.trim().split('\n').at(-1)) || 0
}

export async function bringCopy(parts: CopyParts, from: string, to: string, script: string): Promise<void> {
  const { code, said } = await runCopy(parts, from, to, script)
  if (code !== 0) throw new Error(`it cannot be copied: ${said || `code ${code}`}`)
}

/** In a container of our own image: whoever cannot read the engine's folders can copy too. */
async function runCopy(
  { engine, image, labels }: CopyParts,
  from: string,
  to: string,
  script: string,
): Promise<{ code: number | null; said: string }> {
  const volumes = [
    { volume: from, path: '/from', readOnly: true },
    { volume: to, path: '/to', readOnly: false },
  ]
  const name = `${to}-copy-${Math.random().toString(36).slice(2, 8)}`
  const command = ['/bin/sh', '-ec', script]
  const id = await engine.createContainer(
    plainContainer({ name, image, labels, command, volumes, capabilities, memoryBytes: 1024 ** 3, cpus: 2 }),
  )
  try {
    await engine.startContainer(id)
    const code = await engine.waitForExit(id, deadlineMs)
    return { code, said: (await engine.tailOutput(id, 3)).trim().slice(-500) }
  } finally {
    await engine.removeContainer(id)
  }
}
