/** What the loader says of a program that was made for a newer C library than the image has. */
const tooOld = /version `?GLIBC_(\d+(?:\.\d+)+)'? not found/g
/** Likewise of one that was made for another C library: musl's loader. */
const otherLibrary = /Error (?:relocating|loading shared library)/

/** Why the agent's process ended, for people; `said`: the end of its standard error. */
export function endReason(code: number | null, signal: NodeJS.Signals | null, said: string): string {
  const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`
  const missing = libraryMissing(said)
  if (missing !== null) return `the agent cannot run on this image: ${missing}`
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  // A stack trace says at its beginning what is wrong.
  const telling = lines.find((line) => /error/i.test(line)) ?? lines.at(-1)
  return telling === undefined || code === 0 ? `the agent ${how}` : `the agent ${how}: ${telling.trim().slice(0, 500)}`
}

const way = 'choose an image with a newer one, like debian:12 or ubuntu:22.04, in the project’s settings (Sandbox)'

function libraryMissing(said: string): string | null {
  const versions = [...said.matchAll(tooOld)].map(([, version = '']) => version)
  const newest = versions.toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true })).at(-1)
  if (newest !== undefined) return `it needs glibc ${newest}, and the image has an older one: ${way}`
  return otherLibrary.test(said) ? `it needs glibc, and what the image has in its place does not serve: ${way}` : null
}
