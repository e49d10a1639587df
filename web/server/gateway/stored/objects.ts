import type { OrgId } from '@helix/contract/ids'
import type { Logger } from 'pino'
import type { StoredObject, StoredObjectStore } from './store.ts'

type Store = Pick<StoredObjectStore, 'insert' | 'find' | 'ids' | 'remove'>

const mostRecent = 10_000

/** Knows whose a stored response or file is. What was just made is known before the database has it: its maker goes on with it at once. */
export class StoredObjects {
  private readonly store: Store
  private readonly log: Logger
  private readonly recent = new Map<string, StoredObject>()
  private readonly writing = new Set<Promise<void>>()

  constructor(store: Store, log: Logger) {
    this.store = store
    this.log = log
  }

  made(one: StoredObject): void {
    const key = `${one.orgId} ${one.kind} ${one.id}`
    if (this.recent.size >= mostRecent) this.recent.delete(this.recent.keys().next().value ?? '')
    this.recent.set(key, one)
    const written: Promise<void> = this.store
      .insert(one)
      .catch((error: unknown) => this.log.warn({ err: error, orgId: one.orgId }, 'who made a stored object is not written'))
      .finally(() => this.writing.delete(written))
    this.writing.add(written)
  }

  async find(orgId: OrgId, kind: StoredObject['kind'], id: string): Promise<StoredObject | null> {
    return this.recent.get(`${orgId} ${kind} ${id}`) ?? (await this.store.find(orgId, kind, id))
  }

  async ids(orgId: OrgId, kind: StoredObject['kind'], providerId: string): Promise<Set<string>> {
    await this.written()
    return this.store.ids(orgId, kind, providerId)
  }

  async removed(orgId: OrgId, kind: StoredObject['kind'], id: string): Promise<void> {
    this.recent.delete(`${orgId} ${kind} ${id}`)
    await this.store.remove(orgId, id)
  }

  async written(): Promise<void> {
    await Promise.all(this.writing)
  }
}
