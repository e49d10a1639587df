/** For proofs, whose room has no sockets of its own. */
export { WebSocket } from 'ws'
