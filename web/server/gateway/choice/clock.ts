/** Unix milliseconds as they were when the process began, counted on since: a clock that is set back keeps no circuit open for hours. */
export const steadyNow = (): number => performance.timeOrigin + performance.now()
