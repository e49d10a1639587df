import type { ViewerDown } from '@helix/contract/stream-talk'
import type { Viewer } from './viewer.ts'

/** Tells the viewers of a desktop of each other. */
export class Presence {
  private readonly viewers: ReadonlyMap<string, Viewer>
  private readonly controls: (viewer: Viewer) => boolean

  constructor(viewers: ReadonlyMap<string, Viewer>, controls: (viewer: Viewer) => boolean) {
    this.viewers = viewers
    this.controls = controls
  }

  tell(word: ViewerDown): void {
    for (const viewer of this.greeted()) viewer.say(word)
  }

  tellViewers(): void {
    const all = this.greeted()
    const items = all.map((of) => ({
      id: of.id,
      name: of.claims.name,
      controls: this.controls(of),
      x: of.pointer?.x ?? null,
      y: of.pointer?.y ?? null,
    }))
    for (const viewer of all) viewer.say({ type: 'viewers', items: items.map((item) => ({ ...item, you: item.id === viewer.id })) })
  }

  /** Of those that moved since the last time. */
  tellPointers(): void {
    const all = this.greeted()
    for (const { id, pointer } of all.filter(({ pointerMoved }) => pointerMoved)) {
      if (pointer !== null) for (const other of all) if (other.id !== id) other.say({ type: 'viewerMoved', id, ...pointer })
    }
    for (const viewer of all) viewer.pointerMoved = false
  }

  private greeted(): Viewer[] {
    return [...this.viewers.values()].filter(({ greeted }) => greeted)
  }
}
