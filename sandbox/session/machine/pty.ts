import type { ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'
import { type AgentUser, spawnAs } from '../user.ts'

/**
 * A terminal needs a call that Node does not have; Python has it, is in the image, and costs nothing while no terminal is open. Bytes go in by 0 and out by 1;
 * a line `<columns> <rows>` on 3 resizes. Input waits until the program takes it: a blocked write would stop the output too, and both for ever.
 */
const program = `
import fcntl, os, pty, select, signal, struct, sys, termios
columns, rows = int(sys.argv[1]), int(sys.argv[2])
def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
ready, sized = os.pipe()
pid, fd = pty.fork()
if pid == 0:
    os.close(3)
    os.read(ready, 1)
    os.execvp(sys.argv[3], sys.argv[3:])
resize(fd, columns, rows)
os.write(sized, b'1')
os.set_blocking(fd, False)
waiting, control, sources = b'', b'', [0, 3, fd]
while True:
    wanted = [one for one in sources if not (one == 0 and waiting)]
    readable, writable, _ = select.select(wanted, [fd] if waiting else [], [])
    if fd in readable:
        try: data = os.read(fd, 65536)
        except BlockingIOError: data = None
        except OSError: data = b''
        if data == b'': break
        while data: data = data[os.write(1, data):]
    if fd in writable:
        try: waiting = waiting[os.write(fd, waiting):]
        except BlockingIOError: pass
        except OSError: waiting = b''
    if 0 in readable:
        waiting = os.read(0, 65536)
        if not waiting: break
    if 3 in readable:
        data = os.read(3, 4096)
        if not data: sources.remove(3)
        control += data
        while b'\\n' in control:
            line, control = control.split(b'\\n', 1)
            resize(fd, *map(int, line.split()))
os.close(fd)
try: os.kill(pid, signal.SIGHUP)
except ProcessLookupError: pass
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if status >= 0 else 128 - status)
`

export interface Pty {
  readonly child: ChildProcess
  write(data: Buffer): void
  resize(columns: number, rows: number): void
}

/** Starts a program on a terminal of its own. */
export function openPty(input: {
  user: AgentUser
  command: readonly string[]
  columns: number
  rows: number
  cwd: string
  env: Record<string, string>
}): Pty {
  const { user, command, columns, rows, cwd, env } = input
  const args = ['-c', program, String(columns), String(rows), ...command]
  const child = spawnAs(user, 'python3', args, { cwd, env, stdio: ['pipe', 'pipe', 'ignore', 'pipe'] })
  const control = child.stdio[3] as Writable | null
  // What ends is told by the process.
  for (const stream of [child.stdin, control]) stream?.on('error', () => undefined)
  return {
    child,
    write: (data) => void child.stdin?.write(data),
    resize: (columns, rows) => void control?.write(`${columns} ${rows}\n`),
  }
}
