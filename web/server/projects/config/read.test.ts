import { HelixError } from '@helix/contract/errors'
import { type ConfigProblem, longestConfig, type ProjectConfig } from '@helix/contract/project-config'
import { expect, test } from 'vitest'
import { configChanges } from './diff.ts'
import { parseConfig } from './read.ts'
import { writeConfig } from './write.ts'

function problemsOf(yaml: string): ConfigProblem[] {
  try {
    parseConfig(yaml)
  } catch (error) {
    if (error instanceof HelixError && error.code === 'invalid_request') return error.details?.problems as ConfigProblem[]
    throw error
  }
  return []
}

test.each([
  ['version: 1\nlimits:\n  planing: 3\n', 'limits.planing', 3, 3, 'unknown key: did you mean "planning"?'],
  ['version: 1\nstart_up: {}\n', 'start_up', 2, 1, 'unknown key: did you mean "startUp"?'],
  ['version: 1\nzzz: 1\n', 'zzz', 2, 1, 'unknown key'],
  ['version: 1\nlimits:\n  planning: 0\n', 'limits.planning', 3, 13, expect.stringContaining('>=1')],
  ['version: 1\nagent:\n  runtime: emacs\n', 'agent.runtime', 3, 12, expect.stringContaining('goose_code')],
  ['name: x\n', 'version', 1, 1, expect.any(String)],
  ['version: 1\nsecrets:\n  - name: NPM_TOKEN\n    value: hush\n', 'secrets[0].value', 4, 5, 'unknown key'],
  ['version: 1\nsecrets:\n  - name: PATH\n', 'secrets[0].name', 3, 11, expect.stringContaining('session itself')],
  [
    'version: 1\nmembers:\n  - who: ada\n    role: member\n',
    'members[0]',
    3,
    5,
    expect.stringContaining('a member is {person: <e-mail>, role}'),
  ],
  ['version: 1\nname: a\nname: b\n', '', 3, 1, expect.stringContaining('unique')],
  ['version: 1\nname: [a\n', '', 3, 1, expect.any(String)],
])('%j is refused at its place', (yaml, path, line, column, message) => {
  expect(problemsOf(yaml)[0]).toEqual({ path, line, column, message })
})

test('every fault is told at once', () => {
  expect(
    problemsOf('version: 1\nlimits: { planning: 0, implementing: 1000 }\nnmae: x\n')
      .map(({ path }) => path)
      .sort(),
  ).toEqual(['limits.implementing', 'limits.planning', 'nmae'])
})

test('a bomb of aliases, a deep nest and a huge file are refused and cost nothing', () => {
  const levels = Array.from({ length: 20 }, (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(9)}]`)
  expect(problemsOf(`a0: &a0 [x]\n${levels.join('\n')}`)[0]?.message).toMatch(/aliases/)
  expect(problemsOf(`name: ${'['.repeat(250_000)}`).length).toBeGreaterThan(0)
  expect(problemsOf(`name: ${'x'.repeat(longestConfig)}`)[0]?.message).toMatch(/longer than/)
})

const whole: ProjectConfig = {
  version: 1,
  name: 'Shop',
  description: '',
  repositories: ['shop', 'docs'],
  agent: { runtime: 'goose_code', model: null, permissions: 'ask' },
  automation: { justDoIt: false, autoStart: true },
  limits: { planning: 3, implementing: 2 },
  branches: { base: null, protected: ['release/*'] },
  startUp: { script: 'npm ci\nnpm run build\n', deadlineSeconds: 300 },
  guidelines: '# Words\n\n- yes: "no"\n',
  visibility: 'private',
  members: [{ person: 'ada@example.com', role: 'member' }],
  secrets: [{ name: 'NPM_TOKEN', exposure: 'startup' }],
}

test('what is written is read as the same, and applying it changes nothing', () => {
  const { config } = parseConfig(writeConfig(whole))
  expect(config).toEqual(whole)
  expect(configChanges(whole, config)).toEqual([])
})

test('a file changes what it says and leaves the rest', () => {
  const { config } = parseConfig(
    'version: 1\nlimits: { planning: 5 }\nmembers:\n  - { team: Core, role: reviewer }\nsecrets: [{ name: NPM_TOKEN, exposure: environment }, { name: NEW_ONE }]\n',
  )
  expect(configChanges(whole, config)).toEqual([
    { path: 'limits.planning', from: '3', to: '5' },
    { path: 'members: ada@example.com', from: 'member', to: null },
    { path: 'members: team Core', from: null, to: 'reviewer' },
    { path: 'secrets: NPM_TOKEN', from: 'startup', to: 'environment' },
  ])
})
