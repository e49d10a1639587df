import type { Failure } from '#lib/failure.ts'

export interface Toast {
  id: number
  tone: 'ok' | 'danger'
  text: string
  requestId?: string | null
  /** One thing that can be done about it while it is shown. */
  act?: { label: string; run: () => void }
}

/** Units: milliseconds. */
const shownFor = 6000

let list = $state.raw<Toast[]>([])
let next = 1

/** Short notes about what was done or did not work; failures stay until they are closed. */
export const toasts = {
  get list(): Toast[] {
    return list
  },
  show(toast: Omit<Toast, 'id'>): void {
    const id = next++
    list = [...list, { ...toast, id }]
    if (toast.tone === 'ok') setTimeout(() => toasts.close(id), shownFor)
  },
  fail(failure: Failure): void {
    toasts.show({ tone: 'danger', text: failure.message, requestId: failure.requestId })
  },
  close(id: number): void {
    list = list.filter((toast) => toast.id !== id)
  },
}
