import { expect, test } from 'vitest'
import { bodyOf, fieldsOf, newKey } from './form.ts'

test('a new provider has place for one key, and an empty one is not sent', () => {
  const fields = fieldsOf(null)
  expect(fields.keys).toHaveLength(1)
  expect(bodyOf({ ...fields, name: 'Local' }).keys).toEqual([])
})

test('a stored key stays without its value, a new one comes with it', () => {
  const stored = { ...newKey(), id: 'pvk_1', label: 'First', hint: 'abcd' }
  const keys = bodyOf({ ...fieldsOf(null), keys: [stored, { ...newKey(), value: ' sk-new ' }] }).keys
  expect(keys).toEqual([
    { id: 'pvk_1', label: 'First', weight: 1, enabled: true },
    { value: 'sk-new', weight: 1, enabled: true },
  ])
})

test('settings of another kind are left behind, and lines are models', () => {
  const body = bodyOf({ ...fieldsOf(null), kind: 'bedrock', settings: { region: 'eu-central-1', project: 'p' }, models: 'a\n\n b \na' })
  expect(body.settings).toEqual({ region: 'eu-central-1' })
  expect(body.allowedModels).toEqual(['a', 'b'])
})
