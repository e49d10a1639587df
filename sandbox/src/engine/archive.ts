import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { extract, type Header, type Pack, pack } from 'tar-stream'

type Entry = Partial<Header> & Pick<Header, 'name'>

export interface ArchivedFile {
  /** Relative to where the archive is unpacked. */
  path: string
  content: string | Buffer
  mode: number
}

/** A tar archive of small files that belong to root. */
export async function archiveOf(files: readonly ArchivedFile[]): Promise<Buffer> {
  const archive = pack()
  for (const { path, content, mode } of files) archive.entry({ name: path, mode, mtime: new Date() }, content)
  archive.finalize()
  return buffer(archive)
}

/** The content of the first file in an archive. */
export async function firstFileOf(archive: Readable): Promise<Buffer | null> {
  let found: Buffer | null = null
  const reader = extract()
  reader.on('entry', (header, stream, next) => {
    if (header.type !== 'file' || found !== null) {
      stream.resume()
      stream.on('end', next)
      return
    }
    buffer(stream).then(
      (content) => {
        found = content
        next()
      },
      (error) => next(error),
    )
  })
  await pipeline(archive, reader)
  return found
}

/** A stream of everything in a folder, as files of root. It is read while it is consumed. */
export function archiveFolder(folder: string): Readable {
  const archive = pack()
  const write = (header: Entry): Promise<void> =>
    new Promise((resolve, reject) => archive.entry(header, (error) => (error ? reject(error) : resolve())))
  const walk = async (relative: string): Promise<void> => {
    for (const entry of await readdir(join(folder, relative))) {
      const name = relative === '' ? entry : `${relative}/${entry}`
      const path = join(folder, name)
      const stats = await lstat(path)
      const mode = stats.mode & 0o777
      if (stats.isSymbolicLink()) await write({ name, type: 'symlink', linkname: await readlink(path), mode })
      else if (stats.isDirectory()) {
        await write({ name, type: 'directory', mode })
        await walk(name)
      } else if (stats.isFile()) await writeFile(archive, { name, mode, size: stats.size, mtime: stats.mtime }, path)
    }
  }
  walk('').then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  )
  return Readable.from(archive)
}

async function writeFile(archive: Pack, header: Entry, path: string): Promise<void> {
  await using file = await open(path)
  const entry = archive.entry(header)
  await pipeline(file.createReadStream({ highWaterMark: 256 * 1024, autoClose: false }), entry)
}
