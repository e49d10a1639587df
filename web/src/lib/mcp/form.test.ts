import { createMcpServer } from '@helix/contract/mcp-servers'
import { expect, test } from 'vitest'
import { bodyOf, fieldsOf, listError, newHeader } from './form.ts'

test('a new form that is filled in is what the API takes', () => {
  const fields = { ...fieldsOf(null), name: ' issues ', url: 'https://mcp.example.com/mcp', headers: [newHeader('ISSUES_TOKEN')] }
  const body = bodyOf({ ...fields, denied: 'delete_*\n\n delete_*\nadmin' })
  expect(createMcpServer.body.parse(body)).toMatchObject({
    name: 'issues',
    headers: [{ name: 'Authorization', prefix: 'Bearer ', secret: 'ISSUES_TOKEN' }],
    allowedTools: null,
    deniedTools: ['delete_*', 'admin'],
    timeLimitSeconds: 120,
  })
})

test('no tool at all is something else than all of them', () => {
  expect(bodyOf({ ...fieldsOf(null), tools: 'some' }).allowedTools).toEqual([])
})

test('a fault of a line stands at its field', () => {
  expect(listError({ 'allowedTools.1': 'no' }, 'allowedTools')).toBe('no')
  expect(listError({ name: 'no' }, 'allowedTools')).toBeUndefined()
})
