import { untrack } from 'svelte'
import type { Entry } from './rank.ts'

let offers = $state.raw<(() => Entry[])[]>([])

/** What can be done on the page that is open now. */
export const acts = {
  get entries(): Entry[] {
    return offers.flatMap((offer) => offer())
  },
}

/** Offers these in the palette while the component lives. */
export function offerActs(offer: () => Entry[]): void {
  $effect(() => {
    offers = [...untrack(() => offers), offer]
    return () => {
      offers = offers.filter((other) => other !== offer)
    }
  })
}
