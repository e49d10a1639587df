import {
  checkOwnProvider,
  checkProvider,
  createOwnProvider,
  createProvider,
  deleteOwnProvider,
  deleteProvider,
  type Provider,
  updateOwnProvider,
  updateProvider,
} from '@helix/contract/providers'
import { call } from '#lib/api.ts'
import type { bodyOf } from './form.ts'

type Body = ReturnType<typeof bodyOf>

/** What may be done with providers of one owner. */
export interface ProviderApi {
  create(body: Body & { kind: Provider['kind'] }): Promise<Provider>
  update(id: string, body: Partial<Body> & { expectedChangedAt?: string }): Promise<Provider>
  check(id: string): Promise<Provider>
  remove(id: string): Promise<unknown>
}

const at = (id: string) => ({ params: { providerId: id as never } })

export const ofOrganisation: ProviderApi = {
  create: (body) => call(createProvider, { body }),
  update: (id, body) => call(updateProvider, { ...at(id), body }),
  check: (id) => call(checkProvider, at(id)),
  remove: (id) => call(deleteProvider, at(id)),
}

export const ofPerson: ProviderApi = {
  create: (body) => call(createOwnProvider, { body }),
  update: (id, body) => call(updateOwnProvider, { ...at(id), body }),
  check: (id) => call(checkOwnProvider, at(id)),
  remove: (id) => call(deleteOwnProvider, at(id)),
}
