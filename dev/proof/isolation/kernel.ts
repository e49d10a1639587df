import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import type { Try } from './ground.ts'

const short = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 90) ?? ''
const finitModule = process.arch === 'arm64' ? 105 : 175
const eperm = [1, 38]

/** Block device of this machine's root file system: what a session would read first. */
function rootDisk(): { major: number; minor: number } {
  const { dev } = statSync('/')
  return { major: (dev >> 8) & 0xfff, minor: (dev & 0xff) | ((dev >> 12) & 0xfff00) }
}

export const kernel: Try[] = [
  {
    name: 'make a device node of the machine’s disk, read and mount it',
    async run({ attacker }) {
      const { major, minor } = rootDisk()
      const script = `mknod /tmp/disk b ${major} ${minor}; head -c 512 /tmp/disk | wc -c; mount /tmp/disk /mnt && echo mounted; mknod /tmp/mem c 1 1; head -c 16 /tmp/mem | wc -c`
      const { out } = await attacker.root(script)
      const open = out.split('\n').some((line) => line === 'mounted' || /^[1-9]\d*$/.test(line))
      return { held: !open, seen: short(out.replace(/\n0/g, '')) }
    },
  },
  {
    name: 'write the machine’s core_pattern, through /proc mounted anew',
    async run({ attacker }) {
      const path = '/proc/sys/kernel/core_pattern'
      const before = readFileSync(path, 'utf8')
      const script = `echo hx-isolation >${path}; mount -o remount,rw /proc/sys; echo hx-isolation >${path}; mkdir -p /tmp/p; mount -t proc p /tmp/p && echo hx-isolation >/tmp/p/sys/kernel/core_pattern`
      const { out } = await attacker.root(script)
      const after = readFileSync(path, 'utf8')
      if (after !== before) writeFileSync(path, before)
      return { held: after === before, seen: short(out) || 'the machine’s is as it was' }
    },
  },
  {
    name: 'write a release_agent of the machine’s cgroups',
    async run({ attacker }) {
      const script = `for c in rdma cpuset memory pids; do mkdir -p /tmp/cg/$c; mount -t cgroup -o $c c /tmp/cg/$c; echo /hx-isolation >/tmp/cg/$c/release_agent; done
        find /sys/fs/cgroup -name release_agent -exec sh -c 'echo /hx-isolation >"$1"' _ {} \\;`
      const { out } = await attacker.root(script)
      const found = execFileSync('sh', ['-c', 'cat /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/release_agent 2>/dev/null || true'], {
        encoding: 'utf8',
      })
      return { held: !found.includes('hx-isolation'), seen: short(out) || 'the machine’s are as they were' }
    },
  },
  {
    name: 'load a kernel module',
    async run({ attacker }) {
      const load = `import ctypes,os; l=ctypes.CDLL(None,use_errno=True); l.syscall(${finitModule},b"x",1,b""); print(ctypes.get_errno())`
      const { out } = await attacker.root(`python3 -c '${load}'`)
      return { held: eperm.includes(Number(out)), seen: `errno ${out}` }
    },
  },
  {
    name: 'set the clock',
    async run({ attacker }) {
      const [before, since] = [Date.now(), performance.now()]
      const { out } = await attacker.root("date -s '2001-01-01'; date -s '+1 day'; true")
      const drift = Math.abs(Date.now() - before - (performance.now() - since))
      return { held: drift < 60_000, seen: short(out) || 'the machine’s clock is as it was' }
    },
  },
  {
    name: 'nsenter into the machine’s first process',
    async run({ attacker }) {
      const { out } = await attacker.root(
        'nsenter --target 1 --mount --net --uts --ipc readlink /proc/1/ns/mnt; ls /proc/1/root/var/lib/docker/containers 2>&1 | head -1',
      )
      return { held: !out.includes(readlinkSync('/proc/self/ns/mnt')), seen: short(out) }
    },
  },
  {
    name: 'sysrq, kcore, debugfs, /dev of the machine',
    async run({ attacker }) {
      const script = `(echo h >/proc/sysrq-trigger) 2>/dev/null && echo OPEN sysrq; [ "$(head -c 4 /proc/kcore 2>/dev/null | wc -c)" = 0 ] || echo OPEN kcore
        mount -t debugfs d /mnt 2>/dev/null && [ -n "$(ls /mnt)" ] && echo OPEN debugfs; ls /dev | grep -E '^(vd|sd|nvme|xvd|mem$|kmsg$)' | sed 's/^/OPEN /'; true`
      const { out } = await attacker.root(script)
      return { held: !out.includes('OPEN'), seen: out === '' ? 'none is there or opens' : short(out) }
    },
  },
]
