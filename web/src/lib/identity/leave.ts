import { signOut } from '@helix/contract/identity'
import { call } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { unsubscribe } from '#lib/notifications/push.ts'
import { routes } from '#lib/routes.ts'
import { toasts } from '#lib/ui/toasts.svelte.ts'

/** Ends the browser session. A whole new document follows: nothing of the person stays in memory. */
export async function leave(): Promise<void> {
  try {
    await call(signOut, {})
    // A browser that does not let go of it keeps nobody signed in.
    await unsubscribe().catch(() => undefined)
    location.href = routes.signIn()
  } catch (error) {
    toasts.fail(failureOf(error))
  }
}
