import type { Call } from '@helix/contract/client'
import type { SessionId } from '@helix/contract/ids'
import { attachTerminalPath, openTerminal } from '@helix/contract/machine-use'
import { persistently } from './story.ts'

/** Units: milliseconds. */
const deadlineMs = 60_000

/** Whose shell it is, and where. */
export interface ShellOf {
  origin: string
  call: Call
  /** An API key: a WebSocket has no cookie here. */
  key: string
}

/** Opens a terminal of the session through the control plane, types into it, and resolves when the shell has answered. */
export async function shellAnswers({ origin, call, key }: ShellOf, sessionId: SessionId): Promise<void> {
  const { id } = await persistently(() => call(openTerminal, { params: { sessionId }, body: {} }))
  const path = attachTerminalPath.replace(':sessionId', sessionId).replace(':terminalId', id)
  // Node's WebSocket takes headers; the type is the browser's.
  const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}${path}`, { headers: { authorization: `Bearer ${key}` } } as never)
  socket.binaryType = 'arraybuffer'
  let seen = ''
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the shell of ${sessionId} did not answer: ${seen}`)), deadlineMs)
      socket.addEventListener('open', () => socket.send(Buffer.from('echo answer-$((40+2))\r')))
      socket.addEventListener('error', () => reject(new Error(`no terminal of ${sessionId}`)))
      socket.addEventListener('message', ({ data }) => {
        if (typeof data !== 'string') seen += Buffer.from(data as ArrayBuffer).toString()
        if (!seen.includes('answer-42')) return
        clearTimeout(timer)
        resolve()
      })
    })
  } finally {
    socket.close()
  }
}
