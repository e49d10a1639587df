import { expect, test } from 'vitest'
import { isPublicAddress } from './addresses.ts'

test('addresses of the public internet are let through', () => {
  for (const address of ['1.1.1.1', '140.82.121.3', '172.32.0.1', '2606:4700::1111', '2a00:1450:4001::1']) {
    expect(isPublicAddress(address), address).toBe(true)
  }
})

test('private, local, shared, reserved and translated addresses are not', () => {
  const closed = [
    ...[
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '127.0.0.1',
      '169.254.169.254',
      '172.16.0.1',
      '192.0.0.192',
      '192.168.1.1',
      '224.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '64:ff9b::7f00:1',
      'fc00::1',
      'fd00:ec2::254',
      'fe80::1',
      'ff02::1',
      '2002:7f00:1::',
      '2001::1',
    ],
    ...['', 'localhost', '0x7f.1', '127.1'],
  ]
  for (const address of closed) expect(isPublicAddress(address), address).toBe(false)
})
