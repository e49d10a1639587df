import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Units: bytes of a stream between two collections. */
const everyBytes = 8 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void

/**
 * Every 64 KiB that a socket reads are a buffer of their own outside the heap. Left alone V8 lets 40 to 70 MB of spent ones gather before it
 * looks, and the process keeps that memory; a collection of the young generation (about 1 ms) each 8 MiB keeps it under 20 MB. Answers with what counts.
 */
export function createBufferCollector(): (bytes: number) => void {
  let passed = 0
  return (bytes) => {
    passed += bytes
    if (passed < everyBytes) return
    passed = 0
    collect({ type: 'minor' })
  }
}
