import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** Before the upgrade, in as few bytes as will do: this is what a flood gets. */
export function refuseSocket(socket: Duplex, status: 403 | 404 | 429 | 503): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
  socket.once('finish', () => socket.destroy())
}
