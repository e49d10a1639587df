import { HelixError } from '@helix/contract/errors'
import type { UserId } from '@helix/contract/ids'
import { WebSocketServer } from 'ws'
import type { Context } from '../context.ts'
import { requireActor } from '../http/mount.ts'
import { foreignOrigin } from '../sockets/origin.ts'
import type { UpgradeHandler } from '../sockets/router.ts'
import { refuse } from '../tunnels/splice.ts'
import { PageConnection } from './page-connection.ts'

/** Pages of one person that watch at once; each has one connection. */
const mostPages = 12
/** Units: bytes of one message of a page. */
const longest = 32 * 1024

/** `desktopPicturesPath`: one connection of a page, for all its tiles. */
export function desktopPictures(context: Context): UpgradeHandler {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: longest })
  const pages = new Map<UserId, number>()
  return async (request, socket, head) => {
    try {
      // Browsers send the cookie with a WebSocket of any page: only ours may.
      if (request.headers.cookie !== undefined && foreignOrigin(context.config.frontendUrl, request)) throw new HelixError('cross_site')
      const { headers } = request
      const { userId, orgId } = await requireActor(context, 'task:read', { headers, params: {} })
      if ((pages.get(userId) ?? 0) >= mostPages)
        throw new HelixError('rate_limited', 'Too many pages with pictures are open: close some tabs.')
      server.handleUpgrade(request, socket, head, (page) => {
        pages.set(userId, (pages.get(userId) ?? 0) + 1)
        page.once('close', () => {
          const left = (pages.get(userId) ?? 1) - 1
          if (left > 0) pages.set(userId, left)
          else pages.delete(userId)
        })
        new PageConnection(context, page, { headers, userId, orgId })
      })
    } catch (error) {
      refuse(socket, error)
    }
  }
}
