import { continued, repeated } from '@helix/contract/interruption'
import { expect, test } from 'vitest'
import { lastFacts } from './facts.ts'

const block = (phase: string, round = '') =>
  `<helix-task>\nphase: ${phase}\nnumber: 000007\ntitle: Greet\n${round}spec-folder: design/tasks/000007_greet\n</helix-task>`
const plan = `Plan it. This is what is wanted.\n\n${block('planning')}`
const review = (note: string) => `The reviewer writes: ${note}\n\n${block('planning', 'round: revise_spec\n')}`

test('after an interruption the script does what was asked before, with the same mark', () => {
  const facts = lastFacts([plan])
  expect(facts).toMatchObject({ text: 'Plan it. This is what is wanted.', round: null })
  expect(lastFacts([plan, `${continued}\n\n${block('planning')}`])).toEqual(facts)
  expect(lastFacts([`${repeated}\n\n${plan}`])).toEqual(facts)
  expect(lastFacts([plan, `The spec is missing.\n\n${block('planning', 'round: nudge\n')}`])).toEqual(facts)
})

test('of two reviews the last one counts, also after an interruption', () => {
  const asked = [plan, review('shorter'), review('longer')]
  const facts = lastFacts(asked)
  expect(facts?.text).toContain('longer')
  expect(lastFacts([...asked, `${continued}\n\n${block('planning', 'round: revise_spec\n')}`])).toEqual(facts)
})

test('a new phase does not look back, and without a block there is nothing to do', () => {
  expect(lastFacts([plan, `${continued}\n\n${block('implementing')}`])).toMatchObject({ phase: 'implementing' })
  expect(lastFacts(['hello'])).toBe(null)
})
