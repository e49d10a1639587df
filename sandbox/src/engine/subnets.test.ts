import { describe, expect, test } from 'vitest'
import { freeSubnets, parseRange, routesOf } from './subnets.ts'

describe('subnets', () => {
  test('each is a /28 of the range, and none twice', () => {
    const all = [...freeSubnets('10.213.0.0/16', [], 5)]
    expect(all).toHaveLength(4096)
    expect(new Set(all).size).toBe(4096)
    expect(all[0]).toBe('10.213.0.80/28')
    expect(all.every((one) => /^10\.213\.\d+\.\d+\/28$/.test(one))).toBe(true)
  })

  test('what overlaps a network or a route of the machine is left out', () => {
    const free = [...freeSubnets('10.213.0.0/24', ['10.213.0.0/25', '10.213.0.144/28', '192.168.0.0/16', 'fd00::/64', 'nonsense'], 0)]
    expect(free).toEqual([
      '10.213.0.128/28',
      '10.213.0.160/28',
      '10.213.0.176/28',
      '10.213.0.192/28',
      '10.213.0.208/28',
      '10.213.0.224/28',
      '10.213.0.240/28',
    ])
  })

  test('a range that is all taken gives none', () => {
    expect([...freeSubnets('10.213.0.0/24', ['10.0.0.0/8'], 3)]).toEqual([])
  })

  test('different seeds begin at different places', () => {
    const first = (seed: number) => freeSubnets('10.213.0.0/16', [], seed).next().value
    expect(first(1)).not.toBe(first(2))
  })

  test('only IPv4 networks are ranges', () => {
    expect(parseRange('10.0.0.300/8')).toBeNull()
    expect(parseRange('10.0.0.0/33')).toBeNull()
    expect(parseRange('10.0.0.0')).toBeNull()
    expect(parseRange('255.255.255.255/32')).toEqual({ first: 4294967295, last: 4294967295 })
  })

  test('the kernel’s table of routes is read without its default route', () => {
    const table = `Iface	Destination	Gateway	Flags	RefCnt	Use	Metric	Mask	MTU	Window	IRTT
eth0	00000000	0100000A	0003	0	0	0	00000000	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
br-1	5000D50A	00000000	0001	0	0	0	F0FFFFFF	0	0	0
`
    expect(routesOf(table)).toEqual(['172.17.0.0/16', '10.213.0.80/28'])
  })
})
