import { readFile, rm } from 'node:fs/promises'
import { type SessionFile, sessionFile } from '@helix/contract/link'

/** Names become folders beside the supervisor's own. */
const folderName = /^[a-z0-9][a-z0-9._-]*$/
const schema = sessionFile
  .refine(({ controlPlaneUrl }) => URL.canParse(controlPlaneUrl), { path: ['controlPlaneUrl'], error: 'not a URL' })
  .refine(({ repositories }) => repositories.every(({ name }) => folderName.test(name)), { path: ['repositories'], error: 'not a name' })

/** Reads what the host wrote for this start and deletes it, so that the agent cannot read the link's secret. */
export async function takeSessionFile(path: string): Promise<SessionFile> {
  const text = await readFile(path, 'utf8')
  await rm(path)
  return parseSessionFile(path, text)
}

/** Throws with `from` and the field that is wrong. */
export function parseSessionFile(from: string, text: string): SessionFile {
  const parsed = schema.safeParse(JSON.parse(text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Error(`${from}: ${issue?.path.join('.')}: ${issue?.message}`)
  }
  return parsed.data
}
