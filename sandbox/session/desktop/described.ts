import { type DesktopUp, desktopUp } from '@helix/contract/desktop-link'

export type Screen = Extract<DesktopUp, { type: 'screen' }>

/** What helix-capture says of itself, as hosts are told it; null: it is not understood. */
export function screenOf(status: Uint8Array): Screen | null {
  const capabilities = { audio: true, clipboard: true, resize: true }
  try {
    const said: unknown = JSON.parse(new TextDecoder().decode(status))
    const parsed = desktopUp.safeParse({ ...(said as object), type: 'screen', paced: true, capabilities })
    return parsed.success && parsed.data.type === 'screen' ? parsed.data : null
  } catch {
    return null
  }
}
