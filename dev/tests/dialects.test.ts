import { createTask } from '@helix/contract/tasks'
import { expect, test } from 'vitest'
import { startAnthropicServer } from '../fakes/anthropic-server.ts'
import { startOpenAiServer } from '../fakes/openai-server.ts'
import { openScratch } from '../stack/scratch.ts'
import { driveToMerged, openProject } from '../stack/story.ts'

test('goose, which speaks OpenAI’s dialect, brings a task to merged with a provider that speaks only Anthropic’s', async () => {
  await using provider = await startAnthropicServer()
  await using scratch = await openScratch(() => {}, { ANTHROPIC_BASE_URL: provider.url, ANTHROPIC_API_KEY: provider.apiKey })
  const project = await openProject(scratch.call, 'goose-to-anthropic', null)
  const body = { prompt: 'Add a word counter', agentRuntime: 'goose_code' as const }
  const created = await scratch.call(createTask, { params: { projectId: project.id }, body })
  const merged = await driveToMerged(scratch.call, created.id, 400_000, () => {})
  expect([merged.agentRuntime, merged.status, merged.demo]).toEqual(['goose_code', 'merged', false])
  expect(provider.asked).toBeGreaterThan(3)
  expect(provider.problems).toEqual([])
})

test('Claude Code, which speaks Anthropic’s dialect, brings a task to merged with a provider that speaks only OpenAI’s', async () => {
  await using provider = await startOpenAiServer()
  await using scratch = await openScratch(() => {}, { OPENAI_BASE_URL: provider.url, OPENAI_API_KEY: provider.apiKey })
  const project = await openProject(scratch.call, 'claude-to-openai', null)
  const body = { prompt: 'Add a word counter', agentRuntime: 'claude_code' as const }
  const created = await scratch.call(createTask, { params: { projectId: project.id }, body })
  const merged = await driveToMerged(scratch.call, created.id, 400_000, () => {})
  expect([merged.agentRuntime, merged.status, merged.demo]).toEqual(['claude_code', 'merged', false])
})
