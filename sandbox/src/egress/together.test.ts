import { expect, test } from 'vitest'
import { Together } from './together.ts'

test('what comes while rules are laid goes with the next run, and one that is wrong spoils only itself', async () => {
  const runs: string[] = []
  const apply = async (rules: string): Promise<void> => {
    runs.push(rules)
    await new Promise((resolve) => setImmediate(resolve))
    if (rules.includes('wrong')) throw new Error('wrong')
  }
  const together = new Together({ apply })
  const first = together.apply('a ')
  await new Promise((resolve) => setImmediate(resolve))
  const told = await Promise.allSettled([first, together.apply('b '), together.apply('wrong '), together.apply('c ')])
  expect(told.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(runs.slice(0, 2)).toEqual(['a ', 'b wrong c '])
  expect(runs.slice(2).sort()).toEqual(['b ', 'c ', 'wrong '])
  await expect(together.apply('wrong ')).rejects.toThrow('wrong')
  await together.apply('d ')
})
