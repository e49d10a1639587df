import { join } from 'node:path'
import type { PermissionMode } from '@helix/contract/permission-mode'
import type { Recipe } from '../recipe.ts'

/** Nobody types the next prompt here, so suggestions for it would only be paid for. */
const settingsOf = (mode: PermissionMode) => ({
  permissions: { defaultMode: mode === 'ask' ? 'default' : 'bypassPermissions' },
  promptSuggestionEnabled: false,
})

/** `@agentclientprotocol/claude-agent-acp`, which brings its own claude. */
export const claudeCode: Recipe = {
  launch: ({ pack, stateFolder, origin, token, model, permissionMode }) => ({
    command: process.execPath,
    args: [join(pack, 'node_modules', '@agentclientprotocol', 'claude-agent-acp', 'dist', 'index.js')],
    env: {
      // Without /v1: the SDK adds it.
      ANTHROPIC_BASE_URL: origin,
      ANTHROPIC_AUTH_TOKEN: token,
      ANTHROPIC_MODEL: model,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
      CLAUDE_CODE_MAX_CONTEXT_TOKENS: '200000',
      // As root without it the permission bypass below silently disappears.
      IS_SANDBOX: '1',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CONFIG_DIR: stateFolder,
    },
    files: [{ path: join(stateFolder, 'settings.json'), text: `${JSON.stringify(settingsOf(permissionMode), null, 2)}\n` }],
  }),
}
