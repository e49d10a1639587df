const begun = Date.now()
const color = process.stdout.isTTY ? (code, text) => `\u001b[${code}m${text}\u001b[0m` : (_, text) => text

/** Units: seconds since the command began, one decimal. */
function clock() {
  return `${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s`
}

export function say(text) {
  process.stdout.write(`${color(2, clock())}  ${text}\n`)
}

/** Ends the command with a reason a person can act on. */
export function fail(reason) {
  process.stderr.write(`${color(31, 'helix:')} ${reason}\n`)
  process.exit(1)
}

/**
 * Runs one step of the set-up: says that it begins when it takes longer than 400 ms, and that it ended with how long it took. `work` gets
 * `note`, to say what it is at.
 */
export async function step(title, work) {
  const start = Date.now()
  let announced = false
  const announce = () => {
    if (!announced) say(`${title} …`)
    announced = true
  }
  const timer = setTimeout(announce, 400)
  const note = (text) => {
    announce()
    say(`${title}: ${text}`)
  }
  try {
    const result = await work(note)
    say(`${title}: ${color(32, 'ready')} (${((Date.now() - start) / 1000).toFixed(1)} s)`)
    return result
  } catch (error) {
    say(`${title}: ${color(31, 'failed')} after ${((Date.now() - start) / 1000).toFixed(1)} s: ${error.message}`)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
