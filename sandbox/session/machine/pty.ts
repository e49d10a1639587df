import type { ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'
import { type AgentUser, spawnAs } from '../user.ts'

/**
 * A terminal needs a call that Node does not have; Python has it, is in the image, and costs little while no terminal is open. On 3 it is told what to run: the
 * count of bytes, a line's end, and parts that each end with a zero byte: columns, rows, folder, the number of words of the command, those, and variables. Then
 * bytes go in by 0 and out by 1; a line `<columns> <rows>` on 3 resizes. Input waits until the program takes it: a blocked write would stop the output too, and
 * both for ever.
 */
const program = `
import fcntl, os, select, signal, struct, sys, termios
def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
def more(known):
    data = os.read(3, 65536)
    if not data: sys.exit(0)
    return known + data
control = b''
while b'\\n' not in control: control = more(control)
size, control = control.split(b'\\n', 1)
while len(control) < int(size): control = more(control)
parts, control = control[:int(size)].split(b'\\0')[:-1], control[int(size):]
columns, rows, count = int(parts[0]), int(parts[1]), int(parts[3])
command, env = parts[4:4 + count], dict(part.split(b'=', 1) for part in parts[4 + count:])
ready, sized = os.pipe()
pid, fd = os.forkpty()
if pid == 0:
    try:
        os.close(3)
        os.read(ready, 1)
        os.chdir(parts[2])
        os.execvpe(command[0], command, env)
    except OSError as error: print(error)
    os._exit(127)
resize(fd, columns, rows)
os.write(sized, b'1')
os.set_blocking(fd, False)
waiting, sources = b'', [0, 3, fd]
while True:
    while b'\\n' in control:
        line, control = control.split(b'\\n', 1)
        resize(fd, *map(int, line.split()))
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

/** What runs on a terminal. */
export interface PtyWanted {
  command: readonly string[]
  columns: number
  rows: number
  cwd: string
  /** All of it: beside the user's own. */
  env: Record<string, string>
}

/** A terminal that waits for its program: started before somebody wants one, it opens at once. */
export class WaitingPty {
  private readonly user: AgentUser
  readonly child: ChildProcess

  constructor(user: AgentUser) {
    this.user = user
    // Nothing of the user's own packages, which could stand in the way, and would only take time.
    this.child = spawnAs(user, 'python3', ['-I', '-S', '-c', program], { cwd: '/', stdio: ['pipe', 'pipe', 'ignore', 'pipe'] })
    // What ends is told by the process.
    this.child.once('error', () => undefined)
    for (const stream of [this.child.stdin, this.control]) stream?.on('error', () => undefined)
  }

  /** It has ended, or never began. */
  get over(): boolean {
    return this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Starts the program. */
  begin({ command, columns, rows, cwd, env }: PtyWanted): Pty {
    const { child, control } = this
    const variables = Object.entries({ ...this.user.env, ...env }).map(([name, value]) => `${name}=${value}`)
    const parts = [columns, rows, cwd, command.length, ...command, ...variables]
    const told = Buffer.from(parts.map((part) => `${part}\0`).join(''))
    control?.write(`${told.length}\n`)
    control?.write(told)
    return {
      child,
      write: (data) => void child.stdin?.write(data),
      resize: (columns, rows) => void control?.write(`${columns} ${rows}\n`),
    }
  }

  /** Nobody wants it: it ends when nothing can be told to it any more. */
  end(): void {
    this.control?.destroy()
  }

  private get control(): Writable | null {
    return this.child.stdio[3] as Writable | null
  }
}

/** Starts a program on a terminal of its own; `waited`: on one that was started before, if it still waits. */
export function openPty(input: PtyWanted & { user: AgentUser; waited?: WaitingPty | null }): Pty {
  const { user, waited, ...wanted } = input
  return (waited != null && !waited.over ? waited : new WaitingPty(user)).begin(wanted)
}
