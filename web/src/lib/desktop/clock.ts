/** Units: microseconds of the unix clock of this page. */
export const nowUs = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000)

const kept = 8

/** How far the host's clock is ahead, by pings. The quickest answer of the last few counts: its way there and back were most alike. */
export class Clock {
  private samples: { rttUs: number; aheadUs: number }[] = []

  take({ clientUs, serverUs }: { clientUs: number; serverUs: number }, now: number): void {
    const rttUs = now - clientUs
    if (rttUs < 0) return
    this.samples = [...this.samples, { rttUs, aheadUs: serverUs - (clientUs + rttUs / 2) }].slice(-kept)
  }

  private get best(): { rttUs: number; aheadUs: number } | null {
    return this.samples.reduce<Clock['best']>((best, one) => (best === null || one.rttUs < best.rttUs ? one : best), null)
  }

  get rttUs(): number | null {
    return this.best?.rttUs ?? null
  }

  /** How long ago something of the host's clock was. */
  sinceUs(hostUs: number, now: number): number | null {
    return this.best === null ? null : now + this.best.aheadUs - hostUs
  }
}
