import { open } from 'node:fs/promises'
import { boxHead, readBox } from '@helix/contract/segment-bytes'
import { readInit } from '@helix/contract/segment-init'

/** Cuts what a killed host left behind its last whole fragment. Answers false when no fragment is whole: there is nothing to keep. */
export async function cutToWhole(path: string): Promise<boolean> {
  await using file = await open(path, 'r+')
  const { size } = await file.stat()
  const head = Buffer.alloc(boxHead)
  const boxAt = async (at: number) => {
    const { bytesRead } = await file.read(head, 0, boxHead, at)
    const found = readBox(head.subarray(0, bytesRead))
    return found !== null && at + found.size <= size ? found : null
  }
  let [whole, at, initBytes] = [0, 0, 0]
  let moof = false
  for (let one = await boxAt(0); one !== null; one = await boxAt(at)) {
    at += one.size
    if (one.type === 'moov') initBytes = at
    if (one.type === 'mdat' && moof) whole = at
    moof = one.type === 'moof'
  }
  if (whole === 0 || initBytes === 0) return false
  const init = Buffer.alloc(initBytes)
  await file.read(init, 0, initBytes, 0)
  if (readInit(init) === null) return false
  await file.truncate(whole)
  await file.sync()
  return true
}
