import type { WebSocket } from 'ws'

/** Units: milliseconds. A host that answers no ping for this long is gone, whatever TCP says. */
const pingEveryMs = 15_000

/** Asks the host again and again whether it is there, and ends the connection where it is not. */
export function keepPinging(socket: WebSocket): void {
  let answered = true
  const pings = setInterval(() => {
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
  }, pingEveryMs)
  socket.on('pong', () => {
    answered = true
  })
  socket.on('close', () => clearInterval(pings))
}
