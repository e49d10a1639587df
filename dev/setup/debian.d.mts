/** Installs Debian packages, one call at a time because apt holds a lock. Throws with the way out where that is not possible. */
export function installPackages(names: readonly string[], purpose: string): Promise<void>
