import { desktopPicturesPath } from '@helix/contract/desktop-pictures'
import { attachTerminalPath } from '@helix/contract/machine-use'
import type { Context } from '../context.ts'
import { desktopRelay } from '../desktop/relay.ts'
import { hostLink } from '../hosts/link.ts'
import { terminalAttachments } from '../machine/attach.ts'
import { desktopPictures } from '../pictures/pages.ts'
import { replicaPicturesPath } from '../pictures/replica-line.ts'
import { replicaPictures } from '../pictures/replicas.ts'
import { hostTunnels, replicaStreams, replicaTunnels } from '../tunnels/upgrades.ts'
import type { UpgradeHandler } from './router.ts'

/** Every WebSocket and every other upgrade that this process answers, by its path. */
export function upgradesOf(context: Context): ReadonlyMap<string, UpgradeHandler> {
  return new Map([
    ['/internal/v1/hosts/connect', hostLink(context)],
    ['/internal/v1/hosts/tunnels/:tunnelId', hostTunnels(context)],
    ['/internal/v1/tunnels/:sessionId', replicaTunnels(context)],
    ['/internal/v1/streams/:hostId', replicaStreams(context)],
    ['/sandboxes/:hostId/*', desktopRelay(context)],
    [attachTerminalPath, terminalAttachments(context)],
    [desktopPicturesPath, desktopPictures(context)],
    [replicaPicturesPath, replicaPictures(context)],
  ])
}
