import { bootHost, fakePack, type HostParts, until } from './world.ts'

/** Run by recording.test.ts: a host process that takes up the sessions that run, records them, and is killed. */
const { prefix, ...parts }: Omit<HostParts, 'packs'> & { prefix: string } = JSON.parse(process.argv[2] ?? '')
const env = { HELIX_STREAM_PORT: '0', HELIX_STREAM_LISTEN: '127.0.0.1' }
const host = await bootHost({ ...parts, packs: { source: fakePack, prefix } }, env)
await until(() => host.homecoming.settled)
await host.record()
const { recordings } = host
if (recordings === null) throw new Error('nothing is recorded')
for (;;) {
  await recordings.ask()
  await recordings.look()
  await new Promise((resolve) => setTimeout(resolve, 500))
}
