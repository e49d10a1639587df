import { join } from 'node:path'
import type { Recipe } from '../recipe.ts'

/** Units: tokens. Goose asks the provider's catalogue otherwise, which a gateway has none of. */
const contextLimit = '128000'

/** `@aaif/goose-acp`: the binary is started directly; the package's script would only stand between us and its signals. */
export const gooseCode: Recipe = ({ pack, stateFolder, origin, token, model }) => ({
  command: join(pack, 'node_modules', '@aaif', `goose-binary-linux-${process.arch}`, 'bin', 'goose'),
  args: ['acp', '--with-builtin', 'developer'],
  env: {
    GOOSE_PROVIDER: 'openai',
    GOOSE_MODEL: model,
    OPENAI_HOST: origin,
    OPENAI_BASE_PATH: 'v1/chat/completions',
    OPENAI_API_KEY: token,
    GOOSE_MODE: 'auto',
    GOOSE_DISABLE_KEYRING: '1',
    GOOSE_TELEMETRY_ENABLED: 'false',
    GOOSE_PATH_ROOT: stateFolder,
    GOOSE_CONTEXT_LIMIT: contextLimit,
    GOOSE_DISABLE_SESSION_NAMING: 'true',
  },
  files: [],
})
