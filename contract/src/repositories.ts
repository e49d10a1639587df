import { z } from 'zod'
import { defineEndpoint, page, pageQuery } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line, timestamp } from './text.ts'

/** A full git object id, SHA-1 or SHA-256. */
export const commitHash = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'expected a full commit hash')

/** Path inside a tree: relative, `/`-separated, no empty, `.` or `..` part. Empty means the root. */
export const treePath = z
  .string()
  .max(4096)
  .refine((value) => !value.includes('\u0000') && value.isWellFormed(), 'contains NUL or a lone surrogate: remove it')
  .refine(
    (value) => value === '' || value.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
    'expected a path inside the repository without "..", "." or empty parts',
  )

/** A branch name as git-check-ref-format allows it, without the `refs/heads/` in front. */
export const branchName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^(?!-)(?!.*(\.\.|@\{|\/\/|\.lock(\/|$)|\/\.|\.$))(?![./])[^\s~^:?*[\\\u0000-\u001f\u007f]+(?<!\/)$/u, 'not a valid branch name')

export const repositoryName = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, 'use lower-case letters, digits, dot, dash and underscore')
  .refine((value) => !value.endsWith('.git') && !value.includes('..'), 'must not end in .git or contain ".."')

export const repository = z.object({
  id: idSchema('repository'),
  name: z.string(),
  defaultBranch: z.string(),
  /** Where `git clone` finds it: `/git/<org>/<name>.git` behind the public URL. */
  clonePath: z.string(),
  importedFrom: z.string().nullable(),
  createdAt: timestamp,
})
export type Repository = z.infer<typeof repository>

export const commit = z.object({
  hash: commitHash,
  subject: z.string(),
  authorName: z.string(),
  authorEmail: z.string(),
  authoredAt: timestamp,
  parents: z.array(commitHash),
})
export type Commit = z.infer<typeof commit>

const params = z.object({ repositoryId: idSchema('repository') })
/** A branch name or a full commit hash; absent: the default branch. */
const at = z.object({ ref: line(200).optional() })

export const listRepositories = defineEndpoint({
  method: 'GET',
  path: '/api/v1/repositories',
  permission: 'repository:read',
  summary: 'Repositories of the organisation',
  query: pageQuery,
  response: page(repository),
})

export const createRepository = defineEndpoint({
  method: 'POST',
  path: '/api/v1/repositories',
  permission: 'repository:write',
  summary: 'Create a repository: empty, from the sample, or imported from an https URL or a path on the control plane',
  body: z.object({
    name: repositoryName,
    source: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('empty') }),
      z.object({ kind: z.literal('sample') }),
      z.object({ kind: z.literal('import'), from: line(2000) }),
    ]),
  }),
  response: repository,
  errors: ['conflict', 'import_failed', 'storage_full'],
})

export const getRepository = defineEndpoint({
  method: 'GET',
  path: '/api/v1/repositories/:repositoryId',
  permission: 'repository:read',
  summary: 'One repository',
  params,
  response: repository,
})

export const listBranches = defineEndpoint({
  method: 'GET',
  path: '/api/v1/repositories/:repositoryId/branches',
  permission: 'repository:read',
  summary: 'Branches, newest commit first',
  params,
  response: page(z.object({ name: z.string(), commit })),
})

export const getTree = defineEndpoint({
  method: 'GET',
  path: '/api/v1/repositories/:repositoryId/tree',
  permission: 'repository:read',
  summary: 'One folder of the tree at a branch or commit',
  params,
  query: at.extend({ path: treePath.default('') }),
  response: z.object({
    ref: z.string(),
    /** Null in a repository without commits. */
    commit: commitHash.nullable(),
    path: z.string(),
    entries: z.array(
      z.object({ name: z.string(), kind: z.enum(['folder', 'file', 'link', 'submodule']), sizeBytes: z.number().int().nullable() }),
    ),
  }),
})

export const getFile = defineEndpoint({
  method: 'GET',
  path: '/api/v1/repositories/:repositoryId/file',
  permission: 'repository:read',
  summary: 'One file at a branch or commit; text up to 1 MiB',
  params,
  query: at.extend({ path: treePath }),
  response: z.object({
    ref: z.string(),
    commit: commitHash,
    path: z.string(),
    sizeBytes: z.number().int(),
    /** Null when the file is binary or larger than 1 MiB. */
    text: z.string().nullable(),
  }),
})

export const listCommits = defineEndpoint({
  method: 'GET',
  path: '/api/v1/repositories/:repositoryId/commits',
  permission: 'repository:read',
  summary: 'Commits of a branch, newest first',
  params,
  query: at.extend({
    path: treePath.default(''),
    cursor: line(200).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  response: page(commit),
})

/** One changed file of a diff. */
export const fileChange = z.object({
  path: z.string(),
  /** Set for a rename. */
  previousPath: z.string().nullable(),
  kind: z.enum(['added', 'modified', 'deleted', 'renamed']),
  /** Null for a binary file. */
  additions: z.number().int().nullable(),
  deletions: z.number().int().nullable(),
  /** Unified diff hunks of this file; null when binary or over 256 KiB. */
  patch: z.string().nullable(),
})
export type FileChange = z.infer<typeof fileChange>
