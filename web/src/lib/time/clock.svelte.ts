import { createSubscriber } from 'svelte/reactivity'

/** Units: milliseconds. */
const tick = 20_000

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, tick)
  return () => clearInterval(timer)
})

/** The time now; what reads it in a component is shown again every 20 seconds. */
export function now(): Date {
  subscribe()
  return new Date()
}
