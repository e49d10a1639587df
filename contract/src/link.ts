import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { desktopRules, plainDesktop } from './desktop.ts'
import { pictureTold, watchPictures } from './desktop-pictures.ts'
import { exposure } from './exposure.ts'
import { formValues } from './forms.ts'
import { hostLabels } from './host-labels.ts'
import { hostLogs, logLevels, mostLogLines } from './host-logs.ts'
import { idSchema } from './ids.ts'
import { permissionMode } from './permission-mode.ts'
import { descriptors, pressure, pressureEvent } from './pressure.ts'
import { journalEntry, keptCheckpoint } from './sessions.ts'
import { streamAddress, streamKey, streamSeat } from './stream-tickets.ts'

/**
 * The link a sandbox host dials to `/internal/v1/hosts/connect` (WebSocket, `Authorization: Bearer <the host's credential>`), JSON text frames.
 * Journal entries go up at least once and are stored once by (session, sequence); the control plane acknowledges the highest sequence below
 * which nothing is missing, and the host keeps what is not acknowledged.
 */
export const hostHello = z.object({
  type: z.literal('hello'),
  hostId: idSchema('host'),
  name: z.string().max(200),
  /** New at each start of the host process; part of its queue’s name. */
  bootId: z.string().max(100),
  version: z.string().max(50),
  /** See `hostProtocol`; hosts of the version before tell none. */
  protocol: z.number().int().optional(),
})
export type HostHello = z.infer<typeof hostHello>

export const hostCheck = z.object({
  name: z.enum(['docker', 'disk', 'memory', 'descriptors', 'clock', 'sessions']).catch('sessions'),
  /** `warn`: works, but not as it should; `unknown`: not looked at yet, or it cannot be told. */
  state: z.enum(['ok', 'warn', 'failed', 'unknown']),
  /** What was found, and the way out where one is needed. */
  text: z.string().max(1000),
})
export type HostCheck = z.infer<typeof hostCheck>

export const hostReport = z.object({
  type: z.literal('report'),
  /** Sessions it will run at once. */
  capacity: z.number().int().min(0),
  running: z.number().int().min(0),
  rung: z.string().max(100),
  innerDocker: z.boolean(),
  /** Why sessions do not stand on a stronger rung, in one sentence; null: on none stronger can they. */
  strongerRungs: z.string().max(2000).nullish(),
  /** Sessions are kept from networks that are not theirs. */
  filtered: z.boolean().optional(),
  packs: z.array(z.object({ runtime: agentRuntime, version: z.string() })),
  freeDiskBytes: z.number(),
  /** The memory of the machine: no session gets more. Hosts of the version before tell none of these. */
  memoryBytes: z.number().optional(),
  /** What the sizes of its sessions may be in sum: sessions seldom use all of theirs at once. */
  roomBytes: z.number().optional(),
  /** Work that waits or runs by processor, over a minute. */
  load: z.number().optional(),
  /** Images that need not be fetched. */
  images: z.array(z.string().max(300)).max(200).optional(),
  /** Labels that it tells of itself, beside those that administrators set. */
  labels: hostLabels.optional(),
  /** What it found about itself. */
  checks: z.array(hostCheck).max(20).optional(),
  /** Hosts of the version before tell none of these. */
  pressure: pressure.optional(),
  /** The newest last. */
  pressureEvents: z.array(pressureEvent).max(20).optional(),
  descriptors: descriptors.optional(),
  /** Where it shows the desktops of its sessions; absent: it shows none. */
  stream: streamAddress.optional(),
  /** It sends small pictures of desktops when asked. */
  pictures: z.boolean().optional(),
  /** Sessions whose desktops were worked in during the last half minute. */
  worked: z.array(idSchema('session')).max(1000).optional(),
  /** Who looks at desktops, each once: the control plane sees off who may not any more. */
  viewers: z.array(streamSeat).max(1000).optional(),
  /** Null when all is well; else what is missing and the way out. */
  problem: z.string().max(2000).nullable(),
})
export type HostReport = z.infer<typeof hostReport>

export const hostUp = z.discriminatedUnion('type', [
  hostHello,
  /** Each 10 s and whenever it changes. */
  hostReport,
  z.object({
    type: z.literal('journal'),
    sessionId: idSchema('session'),
    epoch: z.number().int(),
    entries: z.array(journalEntry).min(1).max(200),
  }),
  /** What `logs` asked for. */
  z.object({ type: z.literal('logs'), requestId: z.string().max(100), answer: hostLogs }),
  z.object({ type: z.literal('dialRefused'), tunnelId: z.string().max(100), reason: z.string().max(500) }),
  /** Beside it the pictures themselves come, as binary `still` messages. */
  pictureTold,
])
export type HostUp = z.infer<typeof hostUp>

export const permissionAnswer = z.object({
  requestId: z.string().max(100),
  optionId: z.string(),
  /** The person's name. */
  answeredBy: z.string(),
  /** What they filled in, where the agent asked with a form. */
  values: formValues.optional(),
})
export type PermissionAnswer = z.infer<typeof permissionAnswer>

export const hostDown = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    /** Host epoch: a newer connection of the same host ends the older one. */ hostEpoch: z.number().int(),
    /** Where sessions reach the control plane; the host finds out whether they do. */
    sessionUrl: z.string().optional(),
    /** What tickets for desktops are verified with; any of them. */
    streamKeys: z.array(streamKey).max(20).optional(),
    /** Origins that pages with a viewer come from. */
    pageOrigins: z.array(z.string().max(500)).max(20).optional(),
  }),
  /** Answer with lines of your log; hosts of the version before leave it out. */
  z.object({
    type: z.literal('logs'),
    requestId: z.string().max(100),
    after: z.number().int().min(0).optional(),
    level: z.enum(logLevels),
    limit: z.number().int().min(1).max(mostLogLines),
  }),
  /** Send pictures of these desktops; only to hosts that say they do. */
  watchPictures,
  /** Replace your credential now. */
  z.object({ type: z.literal('rotate') }),
  z.object({ type: z.literal('ack'), sessionId: idSchema('session'), upTo: z.number().int() }),
  /** The session is unknown, stopped, or has a newer epoch elsewhere: stop sending, forget it. */
  z.object({ type: z.literal('fence'), sessionId: idSchema('session'), epoch: z.number().int() }),
  /**
   * Connect to a port of the session’s machine and carry the bytes over a WebSocket of its own, `/internal/v1/hosts/tunnels/<tunnelId>?host=<hostId>`:
   * binary frames, both ways; its close is the end. Hosts that cannot answer `dialRefused`.
   */
  z.object({
    type: z.literal('dial'),
    tunnelId: z.string().max(100),
    sessionId: idSchema('session'),
    epoch: z.number().int(),
    port: z.number().int(),
  }),
  /** The same to your own stream server, for viewers that do not reach it; hosts of the version before leave it out. */
  z.object({ type: z.literal('dialStream'), tunnelId: z.string().max(100) }),
  /** This person may not see the session’s desktop any more, or not with that right; hosts of the version before leave it out. */
  z.object({ type: z.literal('unseat'), ...streamSeat.shape }),
  /** The session has its place on this host: begin. Its workflow asks for the same a moment later, and for what was not begun. Hosts may leave it out; it may come twice. */
  z.object({ type: z.literal('start'), sessionId: idSchema('session'), epoch: z.number().int(), reason: z.string().max(500) }),
  /** A person's answer to what an agent asked. Sent again until the journal says that the agent has it. */
  z.object({ type: z.literal('answer'), sessionId: idSchema('session'), answer: permissionAnswer }),
])
export type HostDown = z.infer<typeof hostDown>

/** What a host may keep of the start of a session. */
const kept = z.enum(['layers', 'clones'])
export type Kept = z.infer<typeof kept>

/**
 * The link a host dials to the supervisor in a session’s container: WebSocket on port 7070, path `/link`, `Authorization: Bearer <link
 * secret>`. A new connection replaces the old. JSON text frames.
 */
export const supervisorDown = z.discriminatedUnion('type', [
  /** A prompt id it has seen is answered with its state or its result and never sent to the agent again. */
  z.object({
    type: z.literal('prompt'),
    promptId: z.string(),
    origin: z.enum(['workflow', 'person']),
    author: z.string().nullable(),
    text: z.string(),
    /** It cut a turn short and adds to that work. */
    steers: z.boolean().optional(),
  }),
  z.object({ type: z.literal('cancel'), promptId: z.string() }),
  /** May come twice; one for a request that is over is left out. */
  z.object({ type: z.literal('answer'), answer: permissionAnswer }),
  /** Make the working copies and start the agent now, where the session file says to wait for it. May come twice. */
  z.object({ type: z.literal('prepare') }),
  /** Journal entries up to here are stored. */
  z.object({ type: z.literal('ack'), upTo: z.number().int() }),
  /** A line for the conversation. */
  z.object({ type: z.literal('notice'), text: z.string() }),
  /** What was offered is copied, or will not be. */
  z.object({ type: z.literal('kept'), what: kept }),
  /** End the agent and flush; the container exits 0 afterwards. */
  z.object({ type: z.literal('stop') }),
])
export type SupervisorDown = z.infer<typeof supervisorDown>

export const turnResult = z.object({
  promptId: z.string(),
  /** ACP stop reason, or `error`. */
  outcome: z.enum(['end_turn', 'cancelled', 'refusal', 'max_tokens', 'max_turn_requests', 'error']),
  /** For `error`: what happened; `retryable` says whether telling the agent at once to go on may help. */
  message: z.string().nullable(),
  retryable: z.boolean(),
})
export type TurnResult = z.infer<typeof turnResult>

/** What of the start ended, and what is under way. */
const stagesOfSupervisor = {
  stages: z.array(z.object({ name: z.string(), durationMs: z.number() })),
  running: z.array(z.object({ name: z.string(), sinceMs: z.number() })).default([]),
}

export const supervisorUp = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    sessionId: z.string(),
    epoch: z.number().int(),
    /** `preparing`: working copies are being made; `ready`: takes prompts; `busy`: a turn runs; `broken`: see message. */
    state: z.enum(['preparing', 'ready', 'busy', 'broken']),
    message: z.string().nullable(),
    lastSequence: z.number().int(),
    agentPid: z.number().int().nullable(),
    ...stagesOfSupervisor,
    /** Its desktop was started; supervisors of the version before do not say. */
    desktop: z.boolean().optional(),
  }),
  z.object({
    type: z.literal('state'),
    state: z.enum(['preparing', 'ready', 'busy', 'broken']),
    message: z.string().nullable(),
    agentPid: z.number().int().nullable(),
    ...stagesOfSupervisor,
    /** Its desktop was started; supervisors of the version before do not say. */
    desktop: z.boolean().optional(),
  }),
  z.object({ type: z.literal('entries'), entries: z.array(journalEntry).min(1).max(200) }),
  /** May be copied for sessions to come, where the session file asks for it: images of the inner Docker engine, which stands still; clones. */
  z.object({ type: z.literal('offer'), what: kept }),
  z.object({ type: z.literal('turn'), result: turnResult }),
  /** Each 2 s while a turn runs and the agent lives; the host turns it into a Temporal heartbeat. */
  z.object({ type: z.literal('heartbeat'), promptId: z.string() }),
])
export type SupervisorUp = z.infer<typeof supervisorUp>

/** A shell script for the working copy of the first repository, before the agent starts; null: none. */
export const startUp = z.object({ script: z.string(), deadlineSeconds: z.number().int() }).nullable()

export const sessionSecret = z.object({ name: z.string(), value: z.string(), exposure })
export type SessionSecret = z.infer<typeof sessionSecret>

/** What of a session is kept elsewhere than on its volume. */
export const sessionKept = z.object({
  /** The number of its newest checkpoint; 0: none yet. */
  last: z.number().int().default(0),
  /** Whose files a volume without them begins with: the session's own newest checkpoint, or the one it was forked from. */
  from: keptCheckpoint
    .omit({ kind: true, cause: true, promptId: true })
    .extend({ sessionId: z.string(), at: z.string() })
    .nullable()
    .default(null),
  /** The newest prompt of the stored journal, and how its turn ended; null: it has not. */
  turn: z.object({ promptId: z.string(), end: turnResult.nullable() }).nullable().default(null),
})
export type SessionKept = z.infer<typeof sessionKept>

/** An MCP server of the project that the agent is given: a path of the control plane, which takes the session's token. */
export const sessionMcpServer = z.object({ name: z.string(), path: z.string() })
export type SessionMcpServer = z.infer<typeof sessionMcpServer>

/** Port of the supervisor in the container. */
export const supervisorPort = 7070

const innerDocker = z.enum(['none', 'rootful', 'rootless', 'gvisor'])

/**
 * The file in a machine that was started before anybody asked for it: `/run/helix/slot.json`, mode 0600, instead of the session file. Its supervisor gets ready
 * and waits at `slotPath` of its port, for whoever shows the secret: `GET` is answered with 204 once it is ready; `POST` with a session file makes it that
 * session's, once, and is answered with 204 when it listens for the link.
 */
export const slotFile = z.object({ secret: z.string().min(32), innerDocker })
export type SlotFile = z.infer<typeof slotFile>
export const slotPath = '/slot'

/**
 * The file the host writes into the container before its start: `/run/helix/session.json`, mode 0600. The supervisor reads and deletes it,
 * so that the agent cannot.
 */
export const sessionFile = z.object({
  sessionId: z.string(),
  epoch: z.number().int(),
  linkSecret: z.string(),
  /** For what people do in the machine; empty: nobody may. */
  machineToken: z.string().default(''),
  agentRuntime,
  model: z.string(),
  demo: z.boolean(),
  controlPlaneUrl: z.string(),
  token: z.string(),
  gitIdentity: z.object({ name: z.string(), email: z.string() }),
  startUp,
  secrets: z.array(sessionSecret),
  repositories: z.array(
    z.object({
      name: z.string(),
      clonePath: z.string(),
      defaultBranch: z.string(),
      baseBranch: z.string(),
      branch: z.string(),
      primary: z.boolean(),
    }),
  ),
  /** Start the inner Docker engine on `unix:///run/docker.sock`. */
  innerDocker,
  /** Offer the images that the start-up script made to the host. */
  keepsLayers: z.boolean().default(false),
  /** Names of repositories whose clones are to be offered. */
  keepsClones: z.array(z.string()).default([]),
  /** Listen first, and prepare when the host says so: it may have others that begin. After some seconds it is not waited for any more. */
  patient: z.boolean().default(false),
  /** Whom names are asked at, where the engine's resolver cannot be reached; empty: as the container has it. */
  nameservers: z.array(z.string()).default([]),
  /** `ask`: the agent's requests for permission wait for a person. */
  permissionMode: permissionMode.default('allow'),
  kept: sessionKept.prefault({}),
  desktop: desktopRules.default(plainDesktop),
  /** Absent: the project has none. */
  mcpServers: z.array(sessionMcpServer).optional(),
})
export type SessionFile = z.infer<typeof sessionFile>
