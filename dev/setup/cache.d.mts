export const root: string
/** Shared by every clone of this user. */
export const cacheFolder: string
export function hashOf(...paths: string[]): string
export function once(stamp: string, hash: string, outputs: string[], work: () => Promise<void>): Promise<boolean>
