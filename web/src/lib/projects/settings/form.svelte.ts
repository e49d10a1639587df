import type { Call } from '@helix/contract/client'
import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import { getProjectSettings, type ProjectSettings, updateProject } from '@helix/contract/projects'
import { untrack } from 'svelte'
import { type Draft, draft } from '#lib/draft.svelte.ts'
import { Action } from '#lib/ui/action.svelte.ts'

type Change = Omit<BodyOf<typeof updateProject>, 'expected'>

export interface Theirs<T> {
  by: string | null
  at: string | null
  value: T
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/**
 * One section of the settings while a person edits it. What is typed outlives a reload; when somebody else changed the same section meanwhile,
 * both are shown and nothing is overwritten unseen. Changes of other sections do not matter.
 */
export class SectionForm<T extends Record<string, unknown>> {
  readonly action = new Action()
  value = $state() as T
  /** Set while somebody else's change of this section waits to be looked at. */
  theirs = $state.raw<Theirs<T> | null>(null)
  saved = $state(false)
  private base = $state.raw() as T
  private settings: ProjectSettings
  private readonly kept: Draft
  private readonly pick: (settings: ProjectSettings) => T
  private readonly changeOf: (value: T) => Change
  private readonly call: Call

  constructor(input: {
    call: Call
    section: string
    settings: ProjectSettings
    pick: (settings: ProjectSettings) => T
    changeOf: (value: T) => Change
  }) {
    this.call = input.call
    this.settings = input.settings
    this.pick = input.pick
    this.changeOf = input.changeOf
    this.base = input.pick(input.settings)
    this.value = input.pick(input.settings)
    this.kept = draft(`project:${input.settings.id}:${input.section}`)
    this.takeUp()
  }

  get dirty(): boolean {
    return !same(this.value, this.base)
  }

  /** What was typed before a reload, if it was typed over what is saved now; over something older, both are shown. */
  private takeUp(): void {
    if (this.kept.text === '') return
    try {
      const { base, value } = JSON.parse(this.kept.text) as { base: T; value: T }
      if (!same(Object.keys(value), Object.keys(this.base))) return
      this.value = value
      if (!same(base, this.base) && this.dirty) this.show(this.settings)
    } catch {
      this.kept.clear()
    }
  }

  /** After each key: keeps what is not saved. */
  keep(): void {
    if (this.dirty) {
      this.saved = false
      this.kept.text = JSON.stringify({ base: this.base, value: this.value })
    } else if (this.kept.text !== '') this.kept.clear()
  }

  discard(): void {
    this.value = structuredClone(this.base)
    this.theirs = null
    this.action.clear()
    this.kept.clear()
  }

  takeTheirs(): void {
    if (this.theirs !== null) this.reset(this.settings)
  }

  /** What is saved changed, by this person elsewhere or by another. */
  renew(settings: ProjectSettings): void {
    untrack(() => this.compare(settings))
  }

  private compare(settings: ProjectSettings): void {
    // Read before this form's own save was.
    if (settings.version <= this.settings.version) return
    const fresh = this.pick(settings)
    const moved = !same(fresh, this.base)
    this.settings = settings
    if (!moved) return
    if (!this.dirty || same(fresh, this.value)) this.reset(settings)
    else this.show(settings)
  }

  async save(): Promise<boolean> {
    this.theirs = null
    const done = await this.action.run(() => this.write())
    if (done === undefined || done === 'theirs') return false
    this.reset(done)
    this.saved = true
    return true
  }

  private async write(): Promise<ProjectSettings | 'theirs'> {
    const { id } = this.settings
    try {
      return await this.call(updateProject, {
        params: { projectId: id },
        body: { ...this.changeOf(this.value), expected: this.settings.version },
      })
    } catch (error) {
      // A conflict that names a version is another edit; others are about the change itself.
      if (!(error instanceof HelixError) || error.code !== 'conflict' || error.details?.version === undefined) throw error
      const fresh = await this.call(getProjectSettings, { params: { projectId: id } })
      const theirs = !same(this.pick(fresh), this.base)
      this.settings = fresh
      if (!theirs) return this.write()
      this.show(fresh)
      return 'theirs'
    }
  }

  private show(settings: ProjectSettings): void {
    this.settings = settings
    this.base = this.pick(settings)
    this.theirs = { by: settings.changed?.by ?? null, at: settings.changed?.at ?? null, value: this.base }
  }

  private reset(settings: ProjectSettings): void {
    this.settings = settings
    this.base = this.pick(settings)
    this.value = this.pick(settings)
    this.theirs = null
    this.kept.clear()
  }
}
