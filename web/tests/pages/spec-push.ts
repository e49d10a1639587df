import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Pushes three documents to `helix-specs` the way an agent does: each push is a revision. */
export function pushSpec(remote: string, folder: string, documents: Record<'requirements' | 'design' | 'tasks', string>): void {
  const clone = mkdtempSync(join(tmpdir(), 'helix-spec-'))
  const git = (...args: string[]): void => {
    const identity = ['-c', 'user.name=Agent', '-c', 'user.email=agent@example.com']
    execFileSync('git', ['-C', clone, ...identity, ...args], { stdio: 'ignore' })
  }
  try {
    git('clone', remote, '.')
    git('checkout', '-B', 'helix-specs')
    // The first push makes the branch; later ones go on from it.
    if (execFileSync('git', ['-C', clone, 'branch', '-r']).includes('origin/helix-specs')) git('reset', '--hard', 'origin/helix-specs')
    mkdirSync(join(clone, folder), { recursive: true })
    for (const [name, text] of Object.entries(documents)) writeFileSync(join(clone, folder, `${name}.md`), text)
    git('add', '.')
    git('commit', '-m', 'specs')
    git('push', 'origin', 'helix-specs')
  } finally {
    rmSync(clone, { recursive: true, force: true })
  }
}
