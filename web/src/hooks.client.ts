import type { HandleClientError } from '@sveltejs/kit/hooks'
import { words } from '#lib/frame/messages.ts'
import { isMissingPart } from '#lib/frame/missing-part.ts'

export const handleError: HandleClientError = ({ kind, error }) => {
  if (kind !== 'unknown') return
  // The page that tells it loads anew: here it may be about a link that is only hovered over.
  if (isMissingPart(error)) return { message: words.partMissing }
  console.error(error)
}
