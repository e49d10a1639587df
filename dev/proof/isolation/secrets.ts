import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { stopSession } from '@helix/contract/session-life'
import { getSession } from '@helix/contract/sessions'
import type { Ground, Machine, Outcome, Try } from './ground.ts'

interface Key {
  token: string
  /** Of the repository, on the control plane. */
  path: string
}

/** What git in the session signs in with. */
async function keyOf(machine: Machine): Promise<Key> {
  const { out } = await machine.root(
    "cat $(find /run /tmp /home /var/lib -name git-credential 2>/dev/null | head -1) | sed -n 's/^password=//p'; git config --file $(ls -d /workspace/*/.git/config | head -1) remote.origin.url",
  )
  const [token = '', url = ''] = out.split('\n')
  if (token.length < 20 || url === '') throw new Error(`no token in the session: ${out.replaceAll(token || '-', '…').slice(0, 200)}`)
  return { token, path: new URL(url).pathname }
}

async function statusOf({ scratch }: Ground, { token }: Key, path: string): Promise<number> {
  const headers = { authorization: `Basic ${Buffer.from(`session:${token}`).toString('base64')}` }
  return (await fetch(`${scratch.stack.url}${path}/info/refs?service=git-upload-pack`, { headers })).status
}

async function poison({ attacker, victim }: Ground): Promise<Outcome> {
  const script =
    'for pack in /opt/agents/*; do touch $pack/hx-isolation; mount -o remount,rw $pack; touch $pack/hx-isolation; umount $pack; done; true'
  await attacker.root(script)
  const { out } = await victim.root('find /opt/agents -name hx-isolation')
  // A machine that waited has every agent's pack, another only its own.
  const mounts: { Source: string; Destination: string }[] = JSON.parse(
    execFileSync('docker', ['inspect', '-f', '{{json .Mounts}}', attacker.container], { encoding: 'utf8' }),
  )
  const packs = mounts.filter(({ Destination }) => Destination.startsWith('/opt/agents/')).map(({ Source }) => Source)
  const left = packs.length === 0 ? 'no volume' : execFileSync('find', [...packs, '-name', 'hx-isolation'], { encoding: 'utf8' })
  return { held: out === '' && left === '', seen: left === '' ? 'nothing was written' : left }
}

export const secrets: Try[] = [
  { name: 'write to the agent pack that other sessions use', run: poison },
  {
    // Agent packs are the same for all and read-only.
    name: 'find another session’s token or files',
    async run({ attacker, victim }) {
      const { token } = await keyOf(victim)
      const search = `grep -asl '${token}'`
      const id = victim.session.id
      // Within their file systems: a try before mounted /proc in /tmp, whose files have no end.
      const files = `find /run /tmp /home /workspace /etc -xdev -type f -size -64M -print0 | xargs -0 -r ${search}`
      const names = `find / -xdev -path '*${id}*' | head -3; grep -c '${id}' /proc/self/mountinfo`
      const script = `{ ${search} /proc/[0-9]*/environ /proc/[0-9]*/cmdline; ${files}; ${names}; } 2>/dev/null`
      const { code, out } = await attacker.root(`${script}; echo searched`, 60)
      if (!out.endsWith('searched')) return { held: false, seen: `the search ended with ${code}: ${out.slice(-100)}` }
      // The search itself has the token on its command line.
      const found = out.split('\n').filter((line) => (line.startsWith('/') && !line.endsWith('/cmdline')) || /^[1-9]\d*$/.test(line))
      return { held: found.length === 0, seen: found[0] ?? 'not found' }
    },
  },
  {
    name: 'use its own token for a repository of another project',
    async run(ground) {
      const [own, theirs] = [await keyOf(ground.attacker), await keyOf(ground.victim)]
      const [mine, other] = [await statusOf(ground, own, own.path), await statusOf(ground, own, theirs.path)]
      return { held: mine === 200 && other >= 400, seen: `its own ${mine}, the other ${other}` }
    },
  },
  {
    name: 'use its own token after the session was stopped',
    async run(ground) {
      const thief = await ground.begin('thief')
      const key = await keyOf(thief)
      const before = await statusOf(ground, key, key.path)
      const params = { sessionId: thief.session.id }
      await ground.scratch.call(stopSession, { params })
      for (const end = Date.now() + 60_000; Date.now() < end; await sleep(200))
        if ((await ground.scratch.call(getSession, { params })).state === 'stopped') break
      const after = await statusOf(ground, key, key.path)
      return { held: before === 200 && after === 401, seen: `before ${before}, after ${after}` }
    },
  },
]
