import type { Engine, Labels } from '../engine/engine.ts'
import { plainContainer } from '../engine/plain-container.ts'

/** Units: milliseconds. */
const deadlineMs = 120_000
/** Owners, devices that stand for deleted files, and attributes of layers. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'MKNOD', 'SETFCAP']
/** An attribute that cannot be kept is a failure: without it a folder shows files again that a layer deleted. */
const copy = 'cp -dR --reflink=auto --preserve=mode,ownership,timestamps,links,xattr'
const tooLarge = 3

/**
 * Images and build cache of a Docker engine that stands still. What belongs to containers is left out: they, their networks and their volumes are each
 * session's own.
 */
const takeLayers = (mostBytes: number): string => `cd /from
  parts=$(ls -d image overlay2 buildkit 2>/dev/null || true)
  kilobytes=$(du -sk $parts | awk '{ sum += $1 } END { print sum + 0 }')
  [ "$kilobytes" -le ${Math.floor(mostBytes / 1024)} ] || exit ${tooLarge}
  own=' '
  for mount in image/overlay2/layerdb/mounts/*; do
    [ -d "$mount" ] && own="$own$(cat "$mount/mount-id" "$mount/init-id" 2>/dev/null | tr '\\n' ' ')$(sed 's/$/ /' "$mount/mount-id")"
  done
  chmod --reference=. /to
  for part in image buildkit; do [ ! -d "$part" ] || ${copy} "$part" /to/; done
  rm -rf /to/image/overlay2/layerdb/mounts
  mkdir /to/overlay2 && chmod --reference=overlay2 /to/overlay2
  for layer in overlay2/*; do
    case "$own" in *"\${layer#overlay2/}"*) ;; *) ${copy} "$layer" /to/overlay2/ ;; esac
  done
  echo $((kilobytes * 1024))`

const putLayers = `chmod --reference=/from /to; ${copy} /from/. /to/`

export interface CopyParts {
  engine: Engine
  image: string
  labels: Labels
}

/** Answers with the bytes; null: they are more than may be kept. Rejects when not all of it could be copied. */
export async function keepLayers(parts: CopyParts, from: string, to: string, mostBytes: number): Promise<number | null> {
  const { code, said } = await runCopy(parts, from, to, takeLayers(mostBytes))
  if (code === tooLarge) return null
  if (code !== 0) throw new Error(`the layers of a session cannot be copied: ${said || `code ${code}`}`)
  return Number(said.trim().split('\n').at(-1)) || 0
}

export async function bringLayers(parts: CopyParts, from: string, to: string): Promise<void> {
  const { code, said } = await runCopy(parts, from, to, putLayers)
  if (code !== 0) throw new Error(`kept layers cannot be copied: ${said || `code ${code}`}`)
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
