import { defineConfig } from 'vitest/config'

const outside = ['**/node_modules/**', '**/build/**', '**/dist/**', '**/.svelte-kit/**']
const alias = [{ find: /^#lib\/(.*)/, replacement: new URL('./web/src/lib/$1', import.meta.url).pathname }]

/** Each project is one kind of need, so that `npx vitest --project unit` stays quick. */
let order = 0
const project = (name: string, include: string[], options: object = {}) => ({
  resolve: { alias },
  test: {
    name,
    include,
    environment: 'node' as const,
    pool: 'forks' as const,
    sequence: { groupOrder: order++ },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    ...options,
  },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', ['{contract,workflows,workers,web,sandbox,migrations,dev}/**/*.test.ts'], {
        exclude: [...outside, '**/tests/**', '**/*.db.test.ts'],
        isolate: false,
      }),
      project('database', ['{web,migrations}/**/*.db.test.ts'], {
        exclude: outside,
        maxWorkers: 2,
        globalSetup: ['web/server/db/testing-template.ts'],
      }),
      project('temporal', ['{workflows,workers}/tests/**/*.test.ts'], { exclude: outside, maxWorkers: 1, testTimeout: 120_000 }),
      project('server', ['web/tests/**/*.test.ts'], { exclude: outside, maxWorkers: 1, testTimeout: 180_000, hookTimeout: 180_000 }),
      project('docker', ['sandbox/tests/**/*.test.ts'], { exclude: outside, maxWorkers: 1, testTimeout: 180_000, hookTimeout: 300_000 }),
      project('stack', ['dev/tests/**/*.test.ts'], { exclude: outside, maxWorkers: 1, testTimeout: 600_000, hookTimeout: 600_000 }),
    ],
  },
})
