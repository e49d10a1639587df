import { expect, test } from 'vitest'
import type { PacketFilter } from './nft.ts'
import { leftovers, TableHold } from './tables.ts'

const tables = ['filter', 'helix_hx00001', 'helix_hx00002', 'helix_hx00003', 'helix_hx00004', 'helix_hx0000f', 'helix_of_somebody']
/** The second is of a version that did not say that it holds its table. */
const packets: PacketFilter = {
  apply: async () => undefined,
  sets: async (table) => ({ held: table === 'helix_hx00002' ? [] : ['1'] }),
  refused: async () => [],
  tables: async () => tables,
}

test.runIf(process.platform === 'linux')(
  'a name of the kernel’s is held once, seen while its process lives, and free afterwards',
  async () => {
    const name = `helix_test_${process.pid}`
    const first = await TableHold.take(name)
    expect(first).not.toBeNull()
    expect(await TableHold.take(name)).toBeNull()
    await first?.[Symbol.asyncDispose]()
    const again = await TableHold.take(name)
    expect(again).not.toBeNull()
    await again?.[Symbol.asyncDispose]()
  },
)

test('only tables of hosts that are surely dead, and have no bridge left, are leftovers', async () => {
  const around = {
    sockets: async () => 'Num Path\n00: 2 0 0 0001 01 1 @helix_hx00003@@@@@@\n00: 2 0 0 0001 01 1 /run/x.sock\n',
    interfaces: async () => ['lo', 'hx00004abcdef01'],
  }
  expect(await leftovers(packets, 'helix_hx0000f', around)).toEqual(['helix_hx00001'])
})
