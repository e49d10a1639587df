import { readdir, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import type { PacketFilter } from './nft.ts'

const named = /^helix_(hx[0-9a-f]{5})$/

/**
 * A name in the kernel's abstract space: like tables it belongs to a network namespace, and unlike them it goes with its process, however that ends. Who
 * sees a table without it knows that its host is dead.
 */
export class TableHold implements AsyncDisposable {
  private readonly server: Server

  private constructor(server: Server) {
    this.server = server
  }

  /** Before the table is laid. Null where there is no such space, or where an ending process of the same host still has the name. */
  static async take(table: string): Promise<TableHold | null> {
    const server = createServer((socket) => socket.destroy())
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(`\0${table}`, () => resolve())
      })
    } catch {
      // Only Linux has it. Without it the table is nobody's to remove: see `leftovers`.
      return null
    }
    server.unref()
    return new TableHold(server)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve))
  }
}

export interface Surroundings {
  /** `/proc/net/unix`. */
  sockets(): Promise<string>
  interfaces(): Promise<string[]>
}

const machine: Surroundings = {
  sockets: () => readFile('/proc/net/unix', 'utf8'),
  interfaces: () => readdir('/sys/class/net'),
}

/**
 * Tables of hosts that died: they say that they are held, nobody holds them, and no bridge of theirs is left, whose sessions would be let out. Those of
 * versions that did not hold theirs are left alone.
 */
export async function leftovers(packets: PacketFilter, own: string, around: Surroundings = machine): Promise<string[]> {
  const tables = (await packets.tables()).filter((table) => table !== own && named.test(table))
  const [sockets, interfaces] = [(await around.sockets()).split('\n'), await around.interfaces()]
  const dead: string[] = []
  for (const table of tables) {
    const prefix = named.exec(table)?.[1] ?? table
    // The kernel pads the name with zeros, and writes them like this.
    const held = new RegExp(` @${table}@*$`)
    const lives = sockets.some((line) => held.test(line)) || interfaces.some((name) => name.startsWith(prefix))
    if (!lives && (await packets.sets(table))?.held?.length) dead.push(table)
  }
  return dead
}
