import type { OrgId, UserId } from '@helix/contract/ids'
import type { Request } from 'express'
import { type AuditEntry, recordAudit } from '../audit/store.ts'
import type { Context } from '../context.ts'
import { RegistrationStore } from './registration/store.ts'
import { IdentityStore } from './store.ts'

export type Way = 'password' | 'second factor' | 'link' | 'passkey' | 'invitation' | 'mail'
type What = Pick<AuditEntry, 'action' | 'target'> & { by: Way }

/**
 * What strangers do at the door, in the audit logs of those it concerns: an attempt in every organisation of the account's person, what was tried
 * with an address that nobody has in the installation's first one.
 */
export class SignInLog {
  private readonly context: Context
  private readonly identity: IdentityStore
  private readonly registration: RegistrationStore

  constructor(context: Context) {
    this.context = context
    this.identity = new IdentityStore(context.db)
    this.registration = new RegistrationStore(context.db, context.config)
  }

  async succeeded(request: Request, userId: UserId, what: What, orgId?: OrgId | null): Promise<void> {
    const { name } = await this.identity.getName(userId)
    await this.record(request, [orgId ?? (await this.identity.findHome(userId)) ?? (await this.registration.home())], {
      ...what,
      actorId: userId,
      actorName: name,
      via: 'cookie',
    })
  }

  async failed(request: Request, email: string, by: Way): Promise<void> {
    const known = await this.identity.findByEmail(email)
    const concerned = known === null ? [] : await this.identity.organisationsOf(known.id)
    const orgs = concerned.length === 0 ? [await this.registration.home()] : concerned
    await this.record(request, orgs, { action: 'signInFailed', by, actorId: null, actorName: email, via: 'none' })
  }

  private async record(
    request: Request,
    orgs: readonly (OrgId | null)[],
    { by, ...entry }: What & Pick<AuditEntry, 'actorId' | 'actorName' | 'via'>,
  ): Promise<void> {
    for (const orgId of orgs)
      await recordAudit(this.context.db, {
        ...entry,
        orgId,
        details: { by },
        requestId: request.id,
        address: request.ip ?? null,
        userAgent: request.header('user-agent') ?? null,
      })
  }
}
