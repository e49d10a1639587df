import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { bundleWorkflowCode } from '@temporalio/worker'

export const workflowsPath = createRequire(import.meta.url).resolve('@helix/workflows')

/** The workflow code as one file, so that a worker starts without a bundler. */
export async function buildBundle(outFile: string): Promise<void> {
  const { code } = await bundleWorkflowCode({ workflowsPath })
  mkdirSync(dirname(outFile), { recursive: true })
  writeFileSync(outFile, code)
}

if (import.meta.main) {
  const [outFile] = process.argv.slice(2)
  if (outFile === undefined) throw new Error('usage: node workers/src/bundle.ts <out file>')
  await buildBundle(outFile)
}
