import { idPrefixes, idSchema, type SessionId } from '@helix/contract/ids'
import type { Config } from '../config.ts'

type Setting = Pick<Config, 'previewDomain' | 'frontendUrl'>

export interface PreviewHost {
  sessionId: SessionId
  port: number
}

const session = idSchema('session')

/** `<port>-<session id without its prefix>.<preview domain>`; null: a host of something else. */
export function previewOf({ previewDomain }: Setting, host: string | undefined): PreviewHost | null {
  if (previewDomain === null || host === undefined) return null
  const name = host.toLowerCase().replace(/:\d+$/, '')
  if (!name.endsWith(`.${previewDomain}`)) return null
  const found = /^(\d{1,5})-([0-9a-z]{26})$/.exec(name.slice(0, -previewDomain.length - 1))
  const sessionId = session.safeParse(`${idPrefixes.session}_${found?.[2]}`)
  const port = Number(found?.[1])
  return sessionId.success && port >= 1 && port <= 65_535 ? { sessionId: sessionId.data, port } : null
}

/** Origin of a preview, under the scheme and port that people reach us by; null where there are no previews. */
export function previewOrigin({ previewDomain, frontendUrl }: Setting, { sessionId, port }: PreviewHost): string | null {
  if (previewDomain === null) return null
  const { protocol, port: ours } = new URL(frontendUrl)
  const name = `${port}-${sessionId.slice(idPrefixes.session.length + 1)}.${previewDomain}`
  return `${protocol}//${name}${ours === '' ? '' : `:${ours}`}`
}

export const noPreviews =
  'This installation has no preview domain: point a wildcard name (*.preview.example.com) at it and set HELIX_PREVIEW_DOMAIN.'
