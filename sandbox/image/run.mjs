import { spawn } from 'node:child_process'

/**
 * Runs a program to its end and answers with its standard output; a failure carries the last lines of its standard error.
 * `input`: a string or a readable stream for its standard input. `timeoutMs`: it is killed then, and that is a failure.
 */
export function run(command, args, { input, timeoutMs, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err = (err + chunk).slice(-4000)
    })
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(new Error(`${command} cannot be started: ${error.message}`))
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) return resolve(out)
      const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`
      const said = err.trim().split('\n').slice(-6).join('\n')
      reject(new Error(`${command} ${args[0] ?? ''} ${how}: ${said}`))
    })
    if (input !== undefined) feed(child.stdin, input)
  })
}

function feed(stdin, input) {
  // The program may stop reading before the end; its exit code tells why.
  stdin.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error
  })
  if (typeof input === 'string') stdin.end(input)
  else input.pipe(stdin)
}

/** True when the program is on PATH. */
export async function found(command) {
  return run('/bin/sh', ['-c', `command -v ${command}`]).then(
    () => true,
    () => false,
  )
}
