import { z } from 'zod'
import { grantRoles, visibility } from './access.ts'
import { agentRuntime } from './agents.ts'
import { branchPattern } from './branches.ts'
import { desktopRules } from './desktop.ts'
import { defineEndpoint } from './endpoint.ts'
import { exposure } from './exposure.ts'
import { idSchema } from './ids.ts'
import { labelColour } from './labels.ts'
import { permissionMode } from './permission-mode.ts'
import { priority } from './priorities.ts'
import { longest, reviewRules, sandboxRules, startUpSeconds } from './projects.ts'
import { recordingRules } from './recording-rules.ts'
import { secretName } from './secrets.ts'
import { templatePrompt } from './templates.ts'
import { line, text } from './text.ts'

const limit = z.number().int().min(1).max(100)
const member = z.union(
  [z.strictObject({ person: z.email().max(320), role: z.enum(grantRoles) }), z.strictObject({ team: line(80), role: z.enum(grantRoles) })],
  `a member is {person: <e-mail>, role} or {team: <name>, role}, with a role of ${grantRoles.join(', ')}`,
)

/**
 * `helix.yaml`: the configuration of a project, see docs/helix-yaml.md. What a file leaves out stays as it is; a list replaces the list,
 * but no label, template or secret is removed. Secrets are named and never hold a value.
 */
export const projectConfig = z.strictObject({
  version: z.literal(1),
  name: line(80).optional(),
  description: text(2000).optional(),
  repositories: z.array(line(100)).min(1).max(20).optional(),
  agent: z
    .strictObject({ runtime: agentRuntime.optional(), model: line(200).nullable().optional(), permissions: permissionMode.optional() })
    .optional(),
  automation: z.strictObject({ justDoIt: z.boolean().optional(), autoStart: z.boolean().optional() }).optional(),
  limits: z.strictObject({ planning: limit.optional(), implementing: limit.optional() }).optional(),
  branches: z.strictObject({ base: line(200).nullable().optional(), protected: z.array(branchPattern).max(20).optional() }).optional(),
  review: z
    .strictObject({
      approvals: reviewRules.shape.approvalsNeeded.optional(),
      selfApproval: z.boolean().optional(),
      requireResolved: z.boolean().optional(),
      reminderHours: reviewRules.shape.reviewReminderHours.optional(),
      publicLinks: z.boolean().optional(),
      /** Who is asked to review, by e-mail. */
      reviewers: z.array(z.email().max(320).toLowerCase()).max(20).optional(),
    })
    .optional(),
  startUp: z.strictObject({ script: text(longest.startUpScript).optional(), deadlineSeconds: startUpSeconds.optional() }).optional(),
  sandbox: z
    .strictObject({
      network: sandboxRules.shape.egressMode.optional(),
      domains: sandboxRules.shape.egressDomains.optional(),
      isolation: sandboxRules.shape.minimumRung.optional(),
      hostLabels: sandboxRules.shape.hostLabels.optional(),
      size: sandboxRules.shape.size.optional(),
      customSize: sandboxRules.shape.customSize.optional(),
      image: sandboxRules.shape.image.optional(),
      imageLogin: sandboxRules.shape.imageLogin.optional(),
      idleMinutes: sandboxRules.shape.idleMinutes.optional(),
      ttlHours: sandboxRules.shape.ttlHours.optional(),
    })
    .optional(),
  desktop: z.strictObject(desktopRules.partial().shape).optional(),
  recording: z.strictObject(recordingRules.partial().shape).optional(),
  guidelines: text(longest.guidelines).optional(),
  labels: z
    .array(z.strictObject({ name: line(40), colour: labelColour.default('grey') }))
    .max(200)
    .optional(),
  templates: z
    .array(
      z.strictObject({
        name: line(80),
        prompt: templatePrompt,
        justDoIt: z.boolean().default(false),
        priority: priority.default('normal'),
      }),
    )
    .max(100)
    .optional(),
  visibility: visibility.optional(),
  members: z.array(member).max(200).optional(),
  secrets: z
    .array(z.strictObject({ name: secretName, exposure: exposure.optional() }))
    .max(200)
    .optional(),
})
export type ProjectConfig = z.infer<typeof projectConfig>

/** Units: UTF-16 units of a whole file. */
export const longestConfig = 256 * 1024

/** One fault of a file. Lines and columns count from 1; null where the file has no such place. */
export const configProblem = z.object({
  path: z.string(),
  line: z.number().int().nullable(),
  column: z.number().int().nullable(),
  message: z.string(),
})
export type ConfigProblem = z.infer<typeof configProblem>

export const configChange = z.object({
  path: z.string(),
  /** Null: there was nothing, or there will be nothing. */
  from: z.string().nullable(),
  to: z.string().nullable(),
})
export type ConfigChange = z.infer<typeof configChange>

const params = z.object({ projectId: idSchema('project') })

export const exportProjectConfig = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/config',
  permission: 'project:write',
  summary: 'The configuration of the project as helix.yaml',
  params,
  response: z.object({ yaml: z.string(), version: z.number().int() }),
})

export const applyProjectConfig = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/projects/:projectId/config',
  permission: 'project:write',
  summary: 'Apply a helix.yaml: all of it or nothing; a second time changes nothing. Faults are in `details.problems` with their lines',
  params,
  maxBodyBytes: 1024 * 1024,
  body: z.object({
    yaml: text(longestConfig),
    /** Only say what would change. */
    dryRun: z.boolean().default(false),
    /** The version of the settings the file was made from. */
    expected: z.number().int().optional(),
  }),
  response: z.object({
    unchanged: z.boolean(),
    changes: z.array(configChange),
    /** Named by the file and without a value yet. */
    missingSecrets: z.array(z.string()),
    version: z.number().int(),
  }),
  errors: ['conflict'],
})
