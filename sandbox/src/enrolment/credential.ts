import { createClient } from '@helix/contract/client'
import { enrolHost, hostProtocol, rotateCredential } from '@helix/contract/enrolment'
import { HelixError } from '@helix/contract/errors'
import type { HostId } from '@helix/contract/ids'
import type { Logger } from 'pino'
import { reasonOf } from '../reason.ts'
import { type Kept, newCredential, readKept, writeKept } from './kept.ts'

/** Units: milliseconds. */
const deadlineMs = 15_000
const dayMs = 24 * 60 * 60_000

export interface CredentialInput {
  url: string
  /** Shared by all hosts, good for enrolling only. */
  runnerToken: string
  hostId: HostId
  name: string
  version: string
  stateDir: string
  /** Units: days. An older credential is replaced. */
  lastsDays: number
  log: Logger
}

/** What this host opens the control plane with. */
export class Credential {
  private readonly input: CredentialInput
  private kept: Kept
  private rotating: Promise<void> | null = null

  private constructor(input: CredentialInput, kept: Kept) {
    this.input = input
    this.kept = kept
  }

  static async open(input: CredentialInput): Promise<Credential> {
    return new Credential(input, await readKept(input.stateDir))
  }

  readonly token = (): string => this.kept.secret

  /** Enrols where that was not done yet, or did not last. Rejects with what keeps it from that and the way out. */
  async ready(): Promise<void> {
    if (this.kept.enrolled) return
    const { url, runnerToken, hostId, name, version, log } = this.input
    const body = { hostId, name: name === '' ? hostId : name, version, protocol: hostProtocol, credential: this.kept.secret }
    try {
      const signal = AbortSignal.timeout(deadlineMs)
      await createClient({ baseUrl: url, token: runnerToken })(enrolHost, { body, signal })
    } catch (error) {
      throw new Error(`cannot enrol: ${whyNot(error)}`, { cause: error })
    }
    await this.keep({ ...this.kept, enrolled: true })
    log.info('enrolled: this host has a credential of its own')
  }

  /** The control plane does not take it. A rotation may have been done unheard; a control plane with another database enrols anew. */
  async refused(): Promise<void> {
    const { next } = this.kept
    if (next !== null) await this.keep({ secret: next, since: Date.now(), enrolled: true, next: null })
    else this.kept = { ...this.kept, enrolled: false }
  }

  /** Now, or when it is old. Does not reject: the old one opens on, and the next look tries again. */
  async rotate(when: 'now' | 'due'): Promise<void> {
    const due = this.kept.next !== null || Date.now() - this.kept.since > this.input.lastsDays * dayMs
    if (!this.kept.enrolled || (when === 'due' && !due)) return
    this.rotating ??= this.replace()
      .catch((error: unknown) => this.input.log.warn({ reason: reasonOf(error) }, 'the credential cannot be replaced yet'))
      .finally(() => {
        this.rotating = null
      })
    await this.rotating
  }

  private async replace(): Promise<void> {
    const { url, hostId, log } = this.input
    const next = this.kept.next ?? newCredential()
    await this.keep({ ...this.kept, next })
    const call = { params: { hostId }, body: { credential: next }, signal: AbortSignal.timeout(deadlineMs) }
    await createClient({ baseUrl: url, token: this.kept.secret })(rotateCredential, call)
    await this.keep({ secret: next, since: Date.now(), enrolled: true, next: null })
    log.info('the credential of this host was replaced')
  }

  private async keep(kept: Kept): Promise<void> {
    await writeKept(this.input.stateDir, kept)
    this.kept = kept
  }
}

function whyNot(error: unknown): string {
  if (!(error instanceof HelixError)) return reasonOf(error)
  if (error.code === 'not_signed_in') return 'HELIX_RUNNER_TOKEN is not the one the control plane has'
  if (error.code === 'not_found') return 'the control plane is older than this host and knows no enrolment: upgrade it first'
  return error.message
}
