import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line, text, timestamp } from './text.ts'

/**
 * What people do with the machine of a session. The control plane passes each on to the session's supervisor, which speaks the same bodies under the
 * path behind `/api/v1/sessions/:sessionId`. A machine that is not there answers `machine_unavailable` with the way out.
 */
const ofSession = z.object({ sessionId: idSchema('session') })

/** A path in the session: absolute, or from `/workspace`. */
export const machinePath = text(4096).refine((path) => path !== '', 'name a path')

export const execBody = z.object({
  /** For `bash -lc`, as the agent's user. */
  command: text(100_000).refine((command) => command !== '', 'say what to run'),
  /** Absent: the working copy of the first repository. */
  cwd: machinePath.optional(),
  /** Units: milliseconds; then the command and all it started is killed. */
  timeoutMs: z.number().int().min(100).max(600_000).default(120_000),
  stdin: z.string().max(1_000_000).optional(),
})
export type ExecBody = z.infer<typeof execBody>

/** Units: bytes kept of each stream. */
export const execMostBytes = 1024 * 1024

export const execResult = z.object({
  /** As a shell tells it: 128 and the signal's number for one that was killed; 124 when its time was over. */
  exitCode: z.number().int(),
  stdout: z.string(),
  stderr: z.string(),
  /** More was written than is kept. */
  truncated: z.boolean(),
  durationMs: z.number().int(),
})
export type ExecResult = z.infer<typeof execResult>

export const execCommand = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/exec',
  permission: 'task:write',
  summary: 'Run a command in the session’s machine and wait for its end',
  params: ofSession,
  maxBodyBytes: 8 * 1024 * 1024,
  body: execBody,
  response: execResult,
  errors: ['machine_unavailable', 'rate_limited', 'conflict'],
})

export const terminalId = z.string().regex(/^[0-9a-f]{16}$/)

const columns = z.number().int().min(2).max(500)
const rows = z.number().int().min(1).max(200)

export const terminal = z.object({
  id: terminalId,
  name: z.string(),
  createdAt: timestamp,
  /** False: it ended, and its recording is left. */
  running: z.boolean(),
  exitCode: z.number().int().nullable(),
  /** Browsers that look at it now. */
  viewers: z.number().int(),
  /** Units: bytes of its recording. */
  recordedBytes: z.number().int(),
})
export type Terminal = z.infer<typeof terminal>

export const terminalBody = z.object({ name: line(60).optional(), columns: columns.default(80), rows: rows.default(24) })

/** How many run at once in one session. */
export const mostTerminals = 16

export const listTerminals = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sessions/:sessionId/terminals',
  permission: 'task:write',
  summary: 'Terminals of the session: those that run, and recordings of those that ended',
  params: ofSession,
  response: z.object({ items: z.array(terminal) }),
  errors: ['machine_unavailable'],
})

export const openTerminal = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/terminals',
  permission: 'task:write',
  summary: 'Start a shell on a terminal of its own; it runs on when the browser goes',
  params: ofSession,
  body: terminalBody,
  response: terminal,
  errors: ['machine_unavailable', 'conflict'],
})

export const closeTerminal = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/sessions/:sessionId/terminals/:terminalId',
  permission: 'task:write',
  summary: 'End a terminal and what runs in it; its recording stays',
  params: ofSession.extend({ terminalId }),
  errors: ['machine_unavailable'],
})

/**
 * WebSocket. Binary frames: what the terminal wrote, and what was typed. Text frames: JSON, below. `?after=<offset>` goes on behind what was seen.
 */
export const attachTerminalPath = '/api/v1/sessions/:sessionId/terminals/:terminalId/attach'
/** asciicast v2. */
export const recordingPath = '/api/v1/sessions/:sessionId/terminals/:terminalId/recording'

export const terminalUp = z.object({ type: z.literal('resize'), columns, rows })
export const terminalDown = z.discriminatedUnion('type', [
  /** First, and again when output was left out: the next byte is at this offset. `restart`: clear the screen before it. */
  z.object({ type: z.literal('at'), offset: z.number().int(), restart: z.boolean() }),
  z.object({ type: z.literal('exit'), exitCode: z.number().int() }),
])
export type TerminalDown = z.infer<typeof terminalDown>

export const fileEntry = z.object({
  name: z.string(),
  kind: z.enum(['file', 'folder', 'link', 'other']),
  /** Units: bytes. */
  size: z.number().int(),
  modifiedAt: timestamp,
})
export type FileEntry = z.infer<typeof fileEntry>

export const listFiles = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sessions/:sessionId/files',
  permission: 'task:write',
  summary: 'A folder of the session’s workspace',
  params: ofSession,
  query: z.object({ path: machinePath.default('/workspace') }),
  response: z.object({
    path: z.string(),
    items: z.array(fileEntry),
    /** More entries are there than are listed. */ truncated: z.boolean(),
  }),
  errors: ['machine_unavailable'],
})

/** `GET ?path=`: the file. `PUT ?path=`: the body becomes the file. Inside `/workspace` only. */
export const fileContentPath = '/api/v1/sessions/:sessionId/files/content'
/** Units: bytes. */
export const uploadMostBytes = 1024 ** 3

export const machinePort = z.object({
  port: z.number().int(),
  /** What it belongs to, where that is known. */
  process: z.string().nullable(),
})

const previewPort = z.coerce.number().int().min(1).max(65_535)

export const listPorts = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sessions/:sessionId/ports',
  permission: 'task:write',
  summary: 'Ports that something in the session listens on, and where they are shown',
  params: ofSession,
  response: z.object({
    items: z.array(
      machinePort.extend({
        /** Its own host; null where the installation shows no previews. */
        url: z.string().nullable(),
        shared: z.boolean(),
      }),
    ),
    /** Why there are no previews and the way out; null: there are. */
    problem: z.string().nullable(),
  }),
  errors: ['machine_unavailable'],
})

export const sharePort = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/sessions/:sessionId/ports/:port/share',
  permission: 'task:write',
  summary: 'Show the port to everybody who has its address, until it is taken back or the session stops',
  params: ofSession.extend({ port: previewPort }),
  body: z.object({ shared: z.boolean() }),
  response: z.object({ shared: z.boolean() }),
})

/** Leads to the preview's own host with a ticket for one use. `?to=/path` */
export const openPreviewPath = '/api/v1/sessions/:sessionId/ports/:port/open'
