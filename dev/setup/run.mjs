import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The path of a program on PATH, or null. */
export function which(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'EACCES' && error.code !== 'ENOTDIR') throw error
    }
  }
  return null
}

/**
 * Runs a program to its end. Rejects with the last lines it printed when it fails or takes longer than `timeoutMs`. Resolves with stdout.
 */
export function run(program, args, { cwd, env, timeoutMs = 900_000, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let tail = ''
    const take = (chunk) => {
      tail = (tail + chunk).slice(-4000)
      if (onLine) for (const line of String(chunk).split('\n')) if (line.trim() !== '') onLine(line.trim())
    }
    child.stdout.on('data', (chunk) => {
      output += chunk
      take(chunk)
    })
    child.stderr.on('data', take)
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) return resolve(output)
      const said = tail.trim().split('\n').slice(-6).join(' | ')
      reject(new Error(`${program} ${args[0] ?? ''} ${signal ? `was ended by ${signal}` : `ended with ${code}`}: ${said}`))
    })
  })
}
