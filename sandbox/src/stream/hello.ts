import { streamVersion } from '@helix/contract/stream'
import type { ViewerDown } from '@helix/contract/stream-talk'
import type { Screen } from './source.ts'
import type { Viewer } from './viewer.ts'

/** Of desktops that do not say. */
const usual = { audio: true, clipboard: true, resize: true }

/** What a viewer hears first: what is sent, what it may do, and with what it comes back when its line is cut. */
export function helloTo(viewer: Viewer, screen: Screen, sessionId: string, pass: string): ViewerDown {
  const { codec, encoder, width, height, scale, capabilities = usual } = screen
  const { id: viewerId, relayed, claims } = viewer
  const stream = { codec, encoder, width, height, scale, capabilities }
  return { type: 'hello', version: streamVersion, session: sessionId, ...stream, viewerId, right: claims.right, relayed, pass }
}
