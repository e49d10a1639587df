// The import table of the house: who may import whom, and why not. House rules change here only together with an ADR.
const room = (name) => `^${name}/`
const typesOnly = { dependencyTypesNot: ['type-only'] }
const builtins = { dependencyTypes: ['core'] }
const testFiles = '(\\.test\\.ts$|/tests/)'

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

export default {
  forbidden: [
    rule(
      'no-cycles',
      'A cycle at runtime means two files that cannot be understood or loaded alone: move what both need into a third.',
      {},
      {
        circular: true,
        viaOnly: { dependencyTypesNot: ['type-only'] },
      },
    ),
    rule(
      'contract-imports-zod-only',
      'The contract is what rooms say to each other: it must load in a browser, a workflow and a server.',
      { path: room('contract'), pathNot: testFiles },
      {
        pathNot: ['^contract/', 'node_modules/zod/'],
      },
    ),
    rule(
      'workflows-take-types-of-contract',
      'A zod schema imported as a value grows the workflow bundle from 1.6 to 2.7 MB.',
      { path: '^workflows/src/', pathNot: testFiles },
      {
        path: room('contract'),
        ...typesOnly,
      },
    ),
    rule(
      'workflows-are-deterministic',
      'Workflows declare what they need; workers and sandbox supply it.',
      { path: '^workflows/src/', pathNot: testFiles },
      {
        path: [room('workers'), room('web'), room('sandbox'), room('migrations'), room('dev')],
      },
    ),
    rule(
      'workflows-without-node',
      'Node built-ins are not deterministic and do not exist in the workflow sandbox.',
      { path: '^workflows/src/', pathNot: testFiles },
      builtins,
    ),
    rule(
      'workers-without-database',
      'A worker reaches data through the contract client with the worker token, so that it can run anywhere.',
      { path: '^workers/src/' },
      {
        path: [room('web'), room('sandbox'), room('migrations'), room('dev'), 'node_modules/(knex|pg|dockerode)/'],
      },
    ),
    rule(
      'pages-never-import-the-server',
      'What both import exists twice in the process (Vite bundles its own): two pools, two caches.',
      { path: '^web/src/' },
      {
        path: ['^web/server/', room('workflows'), room('migrations'), room('workers'), room('sandbox'), room('dev')],
      },
    ),
    rule(
      'server-never-imports-pages',
      'The built handler is loaded by path; its sources are not.',
      { path: '^web/server/' },
      {
        path: ['^web/src/', room('workers'), room('sandbox'), room('dev')],
      },
    ),
    rule(
      'sql-in-stores-only',
      'One room speaks SQL: knex is used in stores, db/, and migrations; others take a Knex type.',
      {
        path: '^(web|workers|sandbox|contract|workflows)/',
        pathNot: ['^web/server/db/', testFiles],
      },
      { path: 'node_modules/(knex|pg)/', ...typesOnly },
    ),
    rule(
      'docker-in-the-engine-only',
      'One file speaks Docker, so that another engine is one file.',
      {
        path: '^sandbox/',
        pathNot: ['^sandbox/src/engine/', testFiles],
      },
      { path: 'node_modules/dockerode/' },
    ),
    rule(
      'one-temporal-client',
      'One file makes the Temporal client of the control plane.',
      { path: '^web/server/', pathNot: ['^web/server/temporal', testFiles] },
      {
        path: 'node_modules/@temporalio/client/',
        ...typesOnly,
      },
    ),
    rule(
      'sandbox-stands-alone',
      'A sandbox host runs on other machines than the control plane.',
      { path: '^sandbox/', pathNot: testFiles },
      {
        path: [room('web'), room('workers'), room('migrations'), room('dev')],
      },
    ),
    rule(
      'nobody-imports-dev',
      'dev starts and tests the whole; it ships with nothing.',
      { pathNot: ['^dev/', '^start.mjs$'] },
      { path: room('dev') },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['(^|/)(build|dist|\\.svelte-kit)/', 'svelte-kit'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.svelte'],
    },
  },
}
