/** When a page was loaded anew for a missing part; kept over the load. */
const loadedKey = 'helix:loaded-anew-at'
/** Units: milliseconds. */
const onceInMs = 10_000

/** As Chromium, Firefox, Safari and Vite put it. */
const failures = /dynamically imported module|importing a module script|preload css/i

/** A part of the program did not arrive: the connection was cut, or a new version took its place. */
export const isMissingPart = (error: unknown): boolean => error instanceof Error && failures.test(error.message)

/**
 * Loads the page anew, where it was not just now: a part that fails is asked for once more by the browser only then. Docker networks that come and go
 * on the same machine make Chromium cut what it is loading. Answers whether it does.
 */
export function loadAnew(now = Date.now()): boolean {
  try {
    if (now - Number(sessionStorage.getItem(loadedKey) ?? 0) < onceInMs) return false
    sessionStorage.setItem(loadedKey, String(now))
  } catch {
    // Without storage nobody knows whether it helped the last time.
    return false
  }
  location.reload()
  return true
}
