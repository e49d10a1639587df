import { HelixError } from '@helix/contract/errors'
import { signInSecret } from '../../secrets/installation/store.ts'
import { readMetadata } from '../connections/metadata.ts'
import { type Connection, ConnectionStore } from '../connections/store.ts'
import type { Auth, Parts } from './auth.ts'

/** Units: milliseconds. */
const metadataForMs = 15 * 60_000

/**
 * better-auth for those who sign in by themselves, and one for each connection as it is now: a changed one, by whichever replica, is seen at the
 * next sign-in. Apart, so that an identity provider that does not answer holds up nobody but its own people.
 */
export class AuthSource {
  private readonly parts: Parts
  private readonly connections: ConnectionStore
  private own: Promise<Auth> | null = null
  private readonly byConnection = new Map<string, { version: number; madeAt: number; auth: Auth }>()

  constructor(parts: Parts) {
    this.parts = parts
    this.connections = new ConnectionStore(parts.db, parts.sealing)
  }

  get(): Promise<Auth> {
    this.own ??= this.make([]).catch((error: unknown) => {
      this.own = null
      throw error
    })
    return this.own
  }

  /** Throws `provider_failed` when the provider does not say where its sign-in is. */
  async of({ id, name }: Pick<Connection, 'id' | 'name'>): Promise<Auth> {
    const connection = await this.connections.findToUse(id)
    if (connection === null) throw new HelixError('not_found')
    const known = this.byConnection.get(id)
    if (known !== undefined && known.version === connection.version && Date.now() - known.madeAt < metadataForMs) return known.auth
    const metadata = connection.kind === 'github' ? {} : await readMetadata(connection.issuer)
    if (metadata === null) throw new HelixError('provider_failed', `${name} does not answer. Try again, or sign in another way.`)
    const auth = await this.make([{ ...connection, metadata }])
    this.byConnection.set(id, { version: connection.version, madeAt: Date.now(), auth })
    return auth
  }

  /** Asks the identity provider for its metadata again. */
  forget(connectionId: string): void {
    this.byConnection.delete(connectionId)
  }

  // Loaded by the first who signs in: it is a third of what the control plane would have in memory otherwise.
  private async make(connections: Parameters<typeof import('./auth.ts')['createAuth']>[1]): Promise<Auth> {
    const { createAuth } = await import('./auth.ts')
    return createAuth(this.parts, connections, await signInSecret(this.parts))
  }
}
