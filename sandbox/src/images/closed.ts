import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { KeptFile } from '../kept-file.ts'

const schema = z.object({
  /** Names that are being fetched with a sign-in, or were when a process died. */
  pending: z.array(z.string()),
  /** By the id of an image: projects to which its registry showed it. */
  shown: z.record(z.string(), z.array(z.string())),
})
type Ledger = z.infer<typeof schema>

/**
 * Images that this host fetched with somebody's sign-in. That one is on the engine does not show it to every project: each asks the registry once, with
 * what it has.
 */
export class ClosedImages {
  private readonly file: KeptFile<Ledger>

  constructor(stateDir: string) {
    const path = join(stateDir, 'closed-images.json')
    this.file = new KeptFile(path, () => load(path))
  }

  /** Whether the project may have what is on the engine under that name. */
  async maySee(image: string, id: string, project: string): Promise<boolean> {
    const { pending, shown } = await this.file.read()
    const projects = shown[id]
    return projects === undefined ? !pending.includes(image) : projects.includes(project)
  }

  /** Before a fetch with a sign-in: what it brings is closed, also where this process dies in the middle. */
  begin(image: string): Promise<void> {
    return this.file.change(({ pending, shown }) => ({ pending: [...pending.filter((one) => one !== image), image], shown }))
  }

  /** The fetch brought nothing. */
  giveUp(image: string): Promise<void> {
    return this.file.change(({ pending, shown }) => ({ pending: pending.filter((one) => one !== image), shown }))
  }

  /** The registry showed it to the project, which signed in. */
  showedTo(image: string, id: string, project: string): Promise<void> {
    return this.file.change(({ pending, shown }) => ({
      pending: pending.filter((one) => one !== image),
      shown: { ...shown, [id]: [...new Set([...(shown[id] ?? []), project])] },
    }))
  }

  /** The registry showed it to one who did not sign in. */
  async open(image: string, id: string): Promise<void> {
    const now = await this.file.read()
    if (now.shown[id] === undefined && !now.pending.includes(image)) return
    await this.file.change(({ pending, shown: { [id]: _, ...shown } }) => ({ pending: pending.filter((one) => one !== image), shown }))
  }
}

async function load(path: string): Promise<Ledger> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return '{"pending":[],"shown":{}}'
  })
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    throw new Error(`${path} is damaged: it says which projects may have which private images. Remove those images and the file.`)
  }
}
