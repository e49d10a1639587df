import { expect, test } from 'vitest'
import { lacksOf, sentencesOf } from './sentences.ts'
import { isOlder, type Survey } from './survey.ts'

const full: Survey = { shell: '/bin/bash', git: '2.39.5', dockerd: true, certificates: true, glibc: '2.36', userName: 'node' }
const wants = { image: 'team/tool:1', innerDocker: true }

test('an image that has everything is not worth a word', () => {
  expect([sentencesOf(full, wants), lacksOf(full, wants)]).toEqual([[], ''])
})

test('each thing that an image lacks is said with what it means, and Docker only where this host could give it', () => {
  const bare: Survey = { shell: null, git: null, dockerd: false, certificates: false, glibc: 'other', userName: null }
  const said = sentencesOf(bare, wants)
  expect(said[0]).toBe('The session runs on the image team/tool:1.')
  for (const what of ['no shell', 'no git', 'no certificate authorities', 'no Docker engine', 'no glibc'])
    expect(said.join(' ')).toContain(what)
  expect(lacksOf(bare, wants)).toBe('shell, git, certificates, Docker, glibc')
  expect(sentencesOf({ ...full, dockerd: false }, { ...wants, innerDocker: false })).toEqual([])
})

test('old versions are told from new ones by number, not by letters', () => {
  expect([
    isOlder('2.9', '2.28'),
    isOlder('2.28', '2.28'),
    isOlder('2.100', '2.28'),
    isOlder('1.99', '2.28'),
    isOlder('3.0', '2.28'),
  ]).toEqual([true, false, false, true, false])
  const old = sentencesOf({ ...full, glibc: '2.17', git: '1.8.3' }, wants).join(' ')
  expect(old).toContain('glibc 2.17 is older than 2.28: the agent may not start')
  expect(old).toContain('git 1.8.3 is older than 2.25')
})
