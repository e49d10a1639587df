import { expect, test } from 'vitest'
import { labelFault, labelsOf, labelText } from './labels.ts'

test('labels are written one a line, and read whatever stands around them', () => {
  expect(labelText({ gpu: 'a100', rack: 'r1' })).toBe('gpu=a100\nrack=r1')
  expect(labelsOf(' gpu = a100 \n\n rack=r1\n')).toEqual({ gpu: 'a100', rack: 'r1' })
  expect(labelsOf('gpu\na=b=c')).toEqual({ gpu: '', a: 'b=c' })
})

test('a fault of a label names it', () => {
  expect(labelFault({ 'labels.gpu': 'use 1 to 63 letters', weight: 'too large' }, 'labels')).toBe('gpu: use 1 to 63 letters')
  expect(labelFault({ labels: 'use at most 20 labels' }, 'labels')).toBe('use at most 20 labels')
  expect(labelFault({ weight: 'too large' }, 'labels')).toBeUndefined()
})
