import type { SupervisedProcess } from './process.ts'

/** Lets a host begin anew without machines that wait for sessions, so that whatever is there afterwards is somebody's, or was left. */
export function keepNoneWarm(host: SupervisedProcess): void {
  host.plan.env.HELIX_WARM_SESSIONS = '0'
  host.kill('SIGTERM')
}
