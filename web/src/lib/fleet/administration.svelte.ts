import type { BodyOf } from '@helix/contract/endpoint'
import { cordonHost, drainHost, type FleetHost, removeHost, uncordonHost, updateHost } from '@helix/contract/fleet'
import { allowEnrolment, askRotation, revokeHost } from '@helix/contract/host-access'
import { call } from '#lib/api.ts'
import { Action } from '#lib/ui/action.svelte.ts'
import { toasts } from '#lib/ui/toasts.svelte.ts'
import type { FleetState } from './fleet.svelte.ts'
import { words } from './messages.ts'

export type Asking = 'edit' | 'drain' | 'remove' | 'revoke'

/** What administrators of the installation do with hosts. Dialogs that ask first show `host` while `asking` says which. */
export class Administration {
  readonly action = new Action()
  host = $state.raw<FleetHost | null>(null)
  asking = $state<Asking | null>(null)
  private readonly fleet: FleetState
  private readonly removed: () => void

  constructor(fleet: FleetState, removed: () => void = () => undefined) {
    this.fleet = fleet
    this.removed = removed
  }

  ask(asking: Asking, host: FleetHost): void {
    this.action.clear()
    this.host = host
    this.asking = asking
  }

  async cordon({ id, name }: FleetHost): Promise<void> {
    await this.change(() => call(cordonHost, { params: { hostId: id } }), words.cordoned(name))
  }

  async uncordon({ id, name }: FleetHost): Promise<void> {
    await this.change(() => call(uncordonHost, { params: { hostId: id } }), words.uncordoned(name))
  }

  async drain({ id, name }: FleetHost): Promise<void> {
    await this.change(() => call(drainHost, { params: { hostId: id } }), words.draining(name))
  }

  async update({ id, name }: FleetHost, body: BodyOf<typeof updateHost>): Promise<void> {
    await this.change(() => call(updateHost, { params: { hostId: id }, body }), words.saved(name))
  }

  async remove({ id, name }: FleetHost): Promise<void> {
    if (await this.run(() => call(removeHost, { params: { hostId: id } }), words.removed(name))) this.removed()
  }

  async rotate({ id, name }: FleetHost): Promise<void> {
    await this.run(() => call(askRotation, { params: { hostId: id } }), words.rotating(name))
  }

  async revoke({ id, name }: FleetHost): Promise<void> {
    await this.run(() => call(revokeHost, { params: { hostId: id } }), words.revoked(name))
  }

  async allow({ id, name }: FleetHost): Promise<void> {
    await this.run(() => call(allowEnrolment, { params: { hostId: id } }), words.allowed(name))
  }

  private async change(task: () => Promise<FleetHost>, text: string): Promise<void> {
    await this.run(async () => this.fleet.put(await task()), text)
  }

  /** An open dialog says itself what did not work. */
  private async run(task: () => Promise<unknown>, text: string): Promise<boolean> {
    const done = await this.action.run(async () => {
      await task()
      return true
    })
    if (done !== undefined) {
      this.asking = null
      toasts.show({ tone: 'ok', text })
    } else if (this.asking === null && this.action.failure !== null) toasts.fail(this.action.failure)
    this.fleet.reread()
    return done ?? false
  }
}
