import type { Context } from '../src/context.ts'

/** The process is gone before it does anything more. */
function die(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

type Method = (...args: never[]) => unknown

function before<T extends object>(target: T, name: keyof T): void {
  target[name] = die as T[keyof T]
}

function after<T extends object>(target: T, name: keyof T): void {
  const method = target[name] as Method
  target[name] = (async (...args: never[]) => {
    await method.apply(target, args)
    die()
  }) as T[keyof T]
}

/** Where a host process can end while a machine that waited becomes a session's, in the order in which they come. */
export const points = {
  'nothing is written down yet': (host: Context) => before(host.slots, 'give'),
  'it is written down whose the machine is': (host: Context) => after(host.slots, 'give'),
  'its network has rules': (host: Context) => after(host.egress, 'admit'),
  'the machine is awake': (host: Context) => after(host.engine, 'unpauseContainer'),
  'it is about to be handed over': (host: Context) => before(host.warm, 'given'),
  'it was handed over': (host: Context) => before(host.engine, 'inspectContainer'),
  'the session is ready and nobody knows': (host: Context) => before(host.controlPlane, 'recordStart'),
  'the control plane knows': (host: Context) => after(host.controlPlane, 'recordStart'),
}
export type Point = keyof typeof points
