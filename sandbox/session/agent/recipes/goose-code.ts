import { join } from 'node:path'
import type { Recipe } from '../recipe.ts'

/** Units: tokens. Goose asks the provider's catalogue otherwise, which a gateway has none of. */
const contextLimit = '128000'

/** `@aaif/goose-acp`: the binary is started directly; the package's script would only stand between us and its signals. */
export const gooseCode: Recipe = {
  launch: ({ pack, stateFolder, origin, token, model, permissionMode }) => ({
    command: join(pack, 'node_modules', '@aaif', `goose-binary-linux-${process.arch}`, 'bin', 'goose'),
    args: ['acp', '--with-builtin', 'developer'],
    env: {
      GOOSE_PROVIDER: 'openai',
      GOOSE_MODEL: model,
      OPENAI_HOST: origin,
      OPENAI_BASE_PATH: 'v1/chat/completions',
      OPENAI_API_KEY: token,
      GOOSE_MODE: permissionMode === 'ask' ? 'approve' : 'auto',
      GOOSE_DISABLE_KEYRING: '1',
      GOOSE_TELEMETRY_ENABLED: 'false',
      GOOSE_PATH_ROOT: stateFolder,
      GOOSE_CONTEXT_LIMIT: contextLimit,
      GOOSE_DISABLE_SESSION_NAMING: 'true',
    },
    files: [],
  }),
  failureIn(lastWords) {
    // Seen of 1.50.0 after four tries of its own, with the stop reason end_turn.
    const failed = /Ran into this error: (.*)\n\nPlease retry if you think this is a transient or recoverable error\.$/s.exec(lastWords)
    const network = /(Network error: .*)\n\nPlease resend your message to try again\.$/s.exec(lastWords)
    const reason = failed?.[1] ?? network?.[1]
    if (reason === undefined) return null
    return { reason: reason.trim().replace(/\.+$/, ''), passing: !/Bad request|\(4\d\d\)/.test(reason) }
  },
}
