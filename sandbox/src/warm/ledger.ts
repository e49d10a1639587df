import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { idSchema, type SessionId } from '@helix/contract/ids'
import { z } from 'zod'
import type { Labels } from '../engine/engine.ts'
import type { Stem } from '../sessions/names.ts'
import { writeWhole } from '../whole-file.ts'
import { slotOf } from './slot-labels.ts'

const given = z.object({ sessionId: idSchema('session'), labels: z.record(z.string(), z.string()) })
const schema = z.object({ slots: z.record(z.string(), given.nullable()) })

/** To whom a slot went, and the labels that its things have since. */
export type Given = z.infer<typeof given>

/**
 * Which warm slots there are and which session each became, in the host's state folder. Labels of things cannot be changed and volumes cannot be renamed, so
 * that this file says what they cannot: it is on the disk before a slot gets anything of a session. A slot that it does not know is never touched.
 */
export class SlotLedger {
  private readonly path: string
  private readonly slots: Map<string, Given | null>
  private readonly bySession = new Map<SessionId, string>()
  private writing: Promise<void> = Promise.resolve()
  private next: Promise<void> | null = null

  private constructor(path: string, slots: Map<string, Given | null>) {
    this.path = path
    this.slots = slots
    for (const [id, to] of slots) if (to !== null) this.bySession.set(to.sessionId, id)
  }

  /** Throws when the file is there and cannot be understood: nobody else knows whose the volumes are. */
  static async open(stateDir: string): Promise<SlotLedger> {
    const path = join(stateDir, 'slots.json')
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return '{"slots":{}}'
    })
    try {
      return new SlotLedger(path, new Map(Object.entries(schema.parse(JSON.parse(text)).slots)))
    } catch {
      throw new Error(`${path} is damaged: it says which volumes are whose. Bring it back from a backup of the host's data folder.`)
    }
  }

  /** Slots that no session has, and those that one has. */
  list(): { id: string; given: Given | null }[] {
    return [...this.slots].map(([id, to]) => ({ id, given: to }))
  }

  /** A slot that is about to be made. */
  async note(id: string): Promise<void> {
    this.slots.set(id, null)
    await this.save()
  }

  /** From now on everything of the slot is the session's. What cannot be written down is not given. */
  async give(id: string, to: Given): Promise<void> {
    this.slots.set(id, to)
    this.bySession.set(to.sessionId, id)
    try {
      await this.save()
    } catch (error) {
      this.slots.set(id, null)
      this.bySession.delete(to.sessionId)
      throw error
    }
  }

  /** Nothing of the slot is left on the engine. */
  async forget(id: string): Promise<void> {
    const to = this.slots.get(id)
    if (to != null && this.bySession.get(to.sessionId) === id) this.bySession.delete(to.sessionId)
    if (this.slots.delete(id)) await this.save()
  }

  /** What networks and volumes of the session are called by. */
  stemOf(sessionId: SessionId): Stem {
    return this.slotFor(sessionId) ?? sessionId
  }

  /** The slot that became the session; null: it was started without one. */
  slotFor(sessionId: SessionId): string | null {
    return this.bySession.get(sessionId) ?? null
  }

  /** Labels of a thing as they would be, had it been made for the session that it became. */
  relabelled(labels: Labels): Labels {
    const id = slotOf(labels)
    const to = id === null ? null : this.slots.get(id)
    return to == null ? labels : { ...labels, ...to.labels }
  }

  /** Those who save at the same time share a write. */
  private save(): Promise<void> {
    if (this.next === null) {
      this.next = this.writing.then(() => {
        this.next = null
        return this.write()
      })
      // Whoever waits hears of a failure; the next write goes on.
      this.writing = this.next.catch(() => undefined)
    }
    return this.next
  }

  private write(): Promise<void> {
    return writeWhole(this.path, JSON.stringify({ slots: Object.fromEntries(this.slots) }))
  }
}
