import { sessionFile } from '@helix/contract/link'
import { expect, test } from 'vitest'
import { outsideServers } from './outside-servers.ts'

const session = { controlPlaneUrl: 'https://helix.example.com', token: 'hs_token' }

test('the agent is given the project’s servers by way of the control plane, with the session’s token', () => {
  expect(outsideServers({ ...session, mcpServers: [{ name: 'issues', path: '/mcp/external/issues' }] })).toEqual([
    {
      type: 'http',
      name: 'issues',
      url: 'https://helix.example.com/mcp/external/issues',
      headers: [{ name: 'Authorization', value: 'Bearer hs_token' }],
    },
  ])
})

test('a server takes neither the desktop’s name nor the token elsewhere', () => {
  const servers = [
    { name: 'desktop', path: '/mcp/external/desktop' },
    { name: 'away', path: '//elsewhere.example.com/mcp' },
    { name: 'far', path: 'https://elsewhere.example.com/mcp' },
  ]
  expect(outsideServers({ ...session, mcpServers: servers })).toEqual([])
})

test('a session file of a version before has none', () => {
  expect(outsideServers(session)).toEqual([])
  expect(sessionFile.shape.mcpServers.parse(undefined)).toBe(undefined)
})
