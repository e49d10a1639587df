import { countInbox } from '@helix/contract/inbox'
import { getSystem } from '@helix/contract/system'
import { clientOf } from '#lib/api.ts'
import { themeCookie, themeOf } from '#lib/frame/theme.ts'
import type { LayoutServerLoad } from './$types'

export const load: LayoutServerLoad = async ({ locals, cookies, fetch }) => {
  if (locals.principal === null) throw new Error('the hook lets nobody in without a principal')
  // The frame stands without it: the banner reads it again when it is there.
  const call = clientOf(fetch)
  const [system, inbox] = await Promise.all([call(getSystem, {}).catch(() => null), call(countInbox, {}).catch(() => null)])
  return { principal: locals.principal, theme: themeOf(cookies.get(themeCookie)), system, inbox }
}
