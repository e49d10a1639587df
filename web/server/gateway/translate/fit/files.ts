import type { LanguageModelV4FilePart, LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { Candidate } from '../../ports/candidate.ts'
import type { Family } from '../models/family.ts'

/** Fetches what a client’s URL leads to: public addresses only, within limits. Throws `invalid_request` for people. */
export type Download = (url: URL, signal: AbortSignal) => Promise<{ mediaType: string; data: Uint8Array }>

/** Who fetches a URL by itself. */
function takesUrl(family: Family, { kind }: Candidate, { mediaType }: LanguageModelV4FilePart, url: URL): boolean {
  const image = mediaType.startsWith('image')
  switch (family) {
    case 'openai_chat':
    case 'compatible':
      return image && url.protocol !== 's3:'
    case 'openai_responses':
      return url.protocol === 'https:'
    case 'claude':
      return kind === 'anthropic' && url.protocol === 'https:'
    case 'google':
      return (
        url.protocol === 'gs:' ||
        /^https:\/\/(generativelanguage\.googleapis\.com\/.*\/files\/|(www\.)?youtube\.com\/|youtu\.be\/)/.test(url.href)
      )
    case 'bedrock':
      return url.protocol === 's3:'
  }
}

async function fetched<Part extends LanguageModelV4FilePart>(part: Part, url: URL, download: Download, signal: AbortSignal): Promise<Part> {
  const { mediaType, data } = await download(url, signal)
  return { ...part, mediaType, data: { type: 'data', data: Buffer.from(data).toString('base64') } }
}

/** Files behind URLs go as their bytes to providers that fetch none. */
export async function fitFiles(
  prompt: LanguageModelV4Prompt,
  family: Family,
  candidate: Candidate,
  download: Download,
  signal: AbortSignal,
): Promise<LanguageModelV4Prompt> {
  const fit = async <Part extends { type: string }>(part: Part): Promise<Part> => {
    const file = part as unknown as LanguageModelV4FilePart
    if (part.type !== 'file' || file.data.type !== 'url' || takesUrl(family, candidate, file, file.data.url)) return part
    return (await fetched(file, file.data.url, download, signal)) as unknown as Part
  }
  return Promise.all(
    prompt.map(async (message) => {
      if (message.role === 'user') return { ...message, content: await Promise.all(message.content.map(fit)) }
      if (message.role !== 'tool') return message
      const content = await Promise.all(
        message.content.map(async (part) => {
          if (part.type !== 'tool-result' || part.output.type !== 'content') return part
          return { ...part, output: { ...part.output, value: await Promise.all(part.output.value.map(fit)) } }
        }),
      )
      return { ...message, content }
    }),
  )
}
