/** What a tool cannot do, in words for the agent: what is wrong and the way out. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
