import type { LanguageModelV4FilePart } from '@ai-sdk/provider'
import { refuse } from './parse.ts'

const dataUrl = /^data:([^;,]*)((?:;[^;,]*)*),(.*)$/s
const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/

/** Throws `invalid_request` where the data is not base64. */
export function filePart(field: string, mediaType: string, data: string, filename?: string | null): LanguageModelV4FilePart {
  if (mediaType === '') refuse(field, 'says no media type')
  const bare = data.replace(/\s+/g, '')
  if (!base64.test(bare)) refuse(field, 'is not base64')
  return { type: 'file', mediaType, data: { type: 'data', data: bare }, ...(filename ? { filename } : {}) }
}

/** A data URL becomes its data; other URLs stay, and `mediaType` is what is expected behind them (`image`, `application/pdf`). */
export function filePartOfUrl(field: string, url: string, mediaType: string, filename?: string | null): LanguageModelV4FilePart {
  const match = dataUrl.exec(url)
  if (match !== null) {
    const [, type = '', parameters = '', data = ''] = match
    if (!parameters.includes(';base64')) refuse(field, 'a data URL must be base64')
    return filePart(field, type || mediaType, data, filename)
  }
  if (!URL.canParse(url) || !/^(https?|gs|s3):$/.test(new URL(url).protocol)) refuse(field, 'is neither a data URL nor an https URL')
  return { type: 'file', mediaType, data: { type: 'url', url: new URL(url) }, ...(filename ? { filename } : {}) }
}

/** What of these is plain text goes as text: not every provider takes documents that are none. */
export function isPlainText(mediaType: string): boolean {
  return mediaType.startsWith('text/') || mediaType === 'application/json'
}

export function textOfBase64(data: string): string {
  return Buffer.from(data, 'base64').toString('utf8')
}
