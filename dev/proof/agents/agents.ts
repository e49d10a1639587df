import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Place {
  /** Where the agent’s package is. */
  modules: string
  /** The agent’s home, which nothing else uses. */
  home: string
  url: string
  key: string
}

export interface Agent {
  name: string
  /** The dialect in which it asks. */
  dialect: string
  package: string
  /** Its program with one prompt, without anybody to ask. */
  command(place: Place, prompt: string): { program: string; args: string[]; env: Record<string, string> }
}

const node = process.execPath

function write(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
}

const codexConfig = (url: string): string => `model = "any"
model_provider = "helix"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.helix]
name = "helix"
base_url = "${url}/v1"
env_key = "HELIX_KEY"
wire_api = "responses"
requires_openai_auth = false
supports_websockets = false
`

export const agents: readonly Agent[] = [
  {
    ...{ name: 'codex', dialect: 'responses', package: '@openai/codex@0.169.0' },
    command({ modules, home, url, key }, prompt) {
      write(join(home, 'codex/config.toml'), codexConfig(url))
      const args = [
        join(modules, '@openai/codex/bin/codex.js'),
        'exec',
        '--skip-git-repo-check',
        '--dangerously-bypass-approvals-and-sandbox',
        prompt,
      ]
      return { program: node, args, env: { CODEX_HOME: join(home, 'codex'), HELIX_KEY: key } }
    },
  },
  {
    ...{ name: 'qwen', dialect: 'chat', package: '@qwen-code/qwen-code@0.24.4' },
    command({ modules, home, url, key }, prompt) {
      const settings = {
        security: { auth: { selectedType: 'openai' } },
        memory: { enableManagedAutoMemory: false, enableManagedAutoDream: false },
      }
      write(join(home, '.qwen/settings.json'), JSON.stringify({ ...settings, ui: { enableFollowupSuggestions: false } }))
      const args = ['--liftoff-only', join(modules, '@qwen-code/qwen-code/cli.js'), '--approval-mode', 'yolo', '-p', prompt]
      return {
        program: node,
        args,
        env: { QWEN_CODE_NO_RELAUNCH: 'true', OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: key, OPENAI_MODEL: 'any' },
      }
    },
  },
  {
    ...{ name: 'claude', dialect: 'messages', package: '@anthropic-ai/claude-code@2.1.330' },
    command({ modules, home, url, key }, prompt) {
      const args = ['-p', prompt, '--permission-mode', 'bypassPermissions']
      const quiet = {
        IS_SANDBOX: '1',
        DISABLE_AUTOUPDATER: '1',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        CLAUDE_CONFIG_DIR: join(home, 'claude'),
      }
      const model = { ANTHROPIC_MODEL: 'any', ANTHROPIC_DEFAULT_HAIKU_MODEL: 'any' }
      return {
        program: join(modules, '.bin/claude'),
        args,
        env: { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: key, ...model, ...quiet },
      }
    },
  },
  {
    ...{ name: 'gemini', dialect: 'generate', package: '@google/gemini-cli@0.61.0' },
    command({ modules, home, url, key }, prompt) {
      const settings = {
        security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
        privacy: { usageStatisticsEnabled: false },
      }
      write(join(home, '.gemini/settings.json'), JSON.stringify(settings))
      const args = [join(modules, '.bin/gemini'), '--approval-mode', 'yolo', '-m', 'gemini-2.5-pro', '-p', prompt]
      return { program: node, args, env: { GEMINI_API_KEY: key, GOOGLE_GEMINI_BASE_URL: url } }
    },
  },
]
