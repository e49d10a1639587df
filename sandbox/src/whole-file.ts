import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Puts the text in the file's place, wholly or not at all, readable to this user alone. It is on the disk when this resolves, its name too. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.draft`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const folder = await open(dirname(path))
  await folder.sync().finally(() => folder.close())
}
