export function say(text: string): void
export function fail(reason: string): never
export function step<T>(title: string, work: (note: (text: string) => void) => Promise<T> | T): Promise<T>
