import { HelixError } from '@helix/contract/errors'
import { demoModel } from '@helix/contract/gateway'
import { answerAsDemo } from '../demo/answer.ts'
import { noCounts } from '../tap/counts.ts'
import type { Account } from './account.ts'
import type { Call } from './call.ts'

/** Without a provider a script answers, in the two dialects that agents of the demonstration speak. */
export async function answerDemo(call: Call, account: Account): Promise<void> {
  const { dialect, path } = call.route
  if (dialect !== 'chat' && dialect !== 'messages')
    throw new HelixError(
      'no_provider',
      'No provider is configured, and the demo script speaks chat completions and Anthropic messages only.',
    )
  const body = JSON.parse(call.body.toString('utf8')) as object
  account.first()
  const { inputTokens, outputTokens } = await answerAsDemo(dialect === 'chat' ? 'openai' : 'anthropic', path, body, call.response)
  account.end(200, { ...noCounts(), input: inputTokens, output: outputTokens }, 'demo', demoModel)
}
