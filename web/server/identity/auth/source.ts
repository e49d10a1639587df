import { signInSecret } from '../../secrets/installation/store.ts'
import { ConnectionStore } from '../connections/store.ts'
import type { Auth, Parts } from './auth.ts'

/** better-auth with the connections as they are now: changed ones, by whichever replica, are seen at the next sign-in. */
export class AuthSource {
  private readonly parts: Parts
  private readonly connections: ConnectionStore
  private current: { mark: string; auth: Auth } | null = null

  constructor(parts: Parts) {
    this.parts = parts
    this.connections = new ConnectionStore(parts.db, parts.sealing)
  }

  async get(): Promise<Auth> {
    const mark = await this.connections.mark()
    if (this.current?.mark === mark) return this.current.auth
    // Loaded by the first who signs in: it is a third of what the control plane would have in memory otherwise.
    const { createAuth } = await import('./auth.ts')
    const auth = createAuth(this.parts, await this.connections.enabledWithSecrets(), await signInSecret(this.parts))
    this.current = { mark, auth }
    return auth
  }

  /** Asks the identity providers for their metadata again: one that was away is found when it is back. */
  forget(): void {
    this.current = null
  }
}
