import { connect, type Socket } from 'node:net'

/** One open event stream over a bare socket: thousands fit in one process. `onLine` gets each line, without its end. */
export async function openStream(url: string, key: string, onLine: (line: string) => void = () => {}): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), family: 4 })
  socket.setNoDelay(true).setEncoding('latin1')
  const request = ['GET /api/v1/events HTTP/1.1', `host: ${hostname}:${port}`, `authorization: Bearer ${key}`, '', '']
  socket.write(request.join('\r\n'))
  await new Promise<void>((resolve, reject) => {
    let rest = ''
    let status = ''
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        status ||= line
        if (line === 'event: alive') resolve()
        onLine(line)
      }
      if (!status.startsWith('HTTP/1.1 200')) reject(new Error(`the stream was refused: ${status}`))
    })
    // After the opening these change nothing: the promise is settled.
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the stream was closed')))
  })
  return socket
}
