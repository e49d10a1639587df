import { randomUUID } from 'node:crypto'
import { Agent } from 'undici'
import type { Candidate } from '../ports/candidate.ts'
import type { Metered } from '../ports/meter.ts'
import { openTestGateway, type TestGateway, testKey } from '../testing.ts'
import type { Download } from '../translate/fit/files.ts'
import { createTranslate } from '../translate/translate.ts'

/** The whole gateway with one provider behind it. */
export class Front implements AsyncDisposable {
  readonly key = testKey
  private readonly agent: Agent
  private readonly gateway: TestGateway

  private constructor(agent: Agent, gateway: TestGateway) {
    this.agent = agent
    this.gateway = gateway
  }

  /** `download` in place of the real one, which reaches public addresses only. */
  static async open(download?: Download): Promise<Front> {
    const agent = new Agent()
    const translate = createTranslate({ dispatcherOf: () => agent, ...(download ? { download } : {}) })
    return new Front(agent, await openTestGateway([], { parts: { translate } }))
  }

  get url(): string {
    return this.gateway.url
  }

  /** What was metered, in the order in which it ended. */
  get calls(): Metered[] {
    return this.gateway.calls
  }

  /** Each time a provider of its own: what one test made of it is not the next one’s. */
  set candidate(candidate: Candidate) {
    this.gateway.candidates = [{ ...candidate, providerId: randomUUID() }]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]()
    await this.agent.destroy()
  }
}
