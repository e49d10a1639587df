import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { defineEndpoint } from './endpoint.ts'
import { hostLabels } from './host-labels.ts'
import { idSchema } from './ids.ts'
import { descriptors, pressure, pressureEvent } from './pressure.ts'
import { sessionStates } from './sessions.ts'
import { host } from './system.ts'
import { timestamp } from './text.ts'

/** `cordoned`: gets nothing new. `draining`: besides, what is there leaves after its turn and goes on elsewhere. */
export const admissions = ['open', 'cordoned', 'draining'] as const
const weight = z.number().int().min(1).max(100)

export const fleetSession = z.object({
  /** Null: of a project or an organisation that the caller does not see. */
  id: idSchema('session').nullable(),
  taskId: idSchema('task').nullable(),
  /** Of its task, or its own. */
  title: z.string().nullable(),
  state: z.enum(sessionStates),
  /** Units: MiB that its host keeps for it; null: suspended, or not known. */
  memoryMb: z.number().int().nullable(),
})

export const fleetHost = host.extend({
  version: z.string().nullable(),
  /** What it speaks with the control plane, see `hostProtocol`; null: it has not said. */
  protocol: z.number().int().nullable(),
  admission: z.enum(admissions),
  /** What it tells of itself with what administrators set over it. */
  labels: hostLabels,
  /** Only those that administrators set. */
  ownLabels: hostLabels,
  /** The organisation it is dedicated to; null: open to all. */
  organisation: z.object({ id: idSchema('org'), name: z.string() }).nullable(),
  /** How much of the spread it gets, against 1. */
  weight,
  /** Work that runs or waits, by processor; null: it does not say. */
  load: z.number().nullable(),
  freeDiskBytes: z.number().nullable(),
  /** What it does because its disk or its memory runs out; null: nothing does, or it does not say. */
  pressure,
  /** The newest last; what went before the newest twenty is in the host's log. */
  pressureEvents: z.array(pressureEvent),
  /** Null: it does not say. */
  descriptors: descriptors.nullable(),
  /** Agents that are installed there. */
  packs: z.array(z.object({ runtime: agentRuntime, version: z.string() })),
  /** Images that need not be fetched. */
  images: z.array(z.string()),
  memory: z.object({
    /** Units: MiB. Of the machine; null: it does not say. */
    totalMb: z.number().int().nullable(),
    /** What the sizes of its sessions may be in sum, and are. */
    roomMb: z.number().int().nullable(),
    givenMb: z.number().int(),
  }),
  /** Given to sessions that have not started yet. */
  reserved: z.number().int(),
  /** Those it holds and those whose suspended machine it keeps. */
  sessionsThere: z.array(fleetSession),
  /** While it drains: sessions that were there, and those that still are. */
  drain: z.object({ total: z.number().int(), left: z.number().int() }).nullable(),
  /** How it stands with its credential; null for who does not administer the installation. */
  access: z
    .object({
      /** When the one that opens was made; null: there is none. */
      since: timestamp.nullable(),
      rotationAsked: z.boolean(),
      /** It may enrol anew until then. */
      enrolUntil: timestamp.nullable(),
    })
    .nullable(),
})
export type FleetHost = z.infer<typeof fleetHost>

export const fleetWait = z.object({
  id: idSchema('session').nullable(),
  taskId: idSchema('task').nullable(),
  title: z.string().nullable(),
  /** Null: more room would not help. */
  position: z.number().int().nullable(),
  /** For people. Null: of another organisation, or not looked at yet. */
  reason: z.string().nullable(),
  since: timestamp,
})

export const getFleet = defineEndpoint({
  method: 'GET',
  path: '/api/v1/fleet',
  permission: 'host:read',
  summary: 'Hosts that the organisation may use, with what they hold, and the queue; for who administers the installation, all of them',
  response: z.object({
    hosts: z.array(fleetHost),
    /** In the order of their positions. */
    queue: z.array(fleetWait),
    /** What organisations have and wait for; of the caller's own unless they administer the installation. */
    shares: z.array(
      z.object({
        organisation: z.object({ id: idSchema('org'), name: z.string() }),
        weight,
        held: z.number().int(),
        waiting: z.number().int(),
      }),
    ),
    /** The caller may change hosts and shares. */
    mayAdminister: z.boolean(),
    /** What a new host is started with; null for who does not administer. The runner token is never shown. */
    enrolment: z.object({ controlPlaneUrl: z.string(), temporalAddress: z.string(), temporalNamespace: z.string() }).nullable(),
  }),
})

const params = z.object({ hostId: idSchema('host') })

export const updateHost = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/hosts/:hostId',
  permission: 'organisation:write',
  summary: 'Set the labels of a host, whom it is for and its weight; for who administers the installation',
  params,
  body: z.object({
    labels: hostLabels.optional(),
    /** The organisation it is dedicated to; null: open to all. */
    organisationId: idSchema('org').nullable().optional(),
    weight: weight.optional(),
  }),
  response: fleetHost,
})

const admissionOf = <V extends 'cordon' | 'uncordon' | 'drain'>(verb: V, summary: string) =>
  defineEndpoint({
    method: 'POST',
    path: `/api/v1/hosts/:hostId/${verb}`,
    permission: 'organisation:write',
    summary,
    params,
    response: fleetHost,
  })

export const cordonHost = admissionOf('cordon', 'Give a host nothing new; what is there stays')
export const uncordonHost = admissionOf('uncordon', 'Open a host again; a drain ends')
export const drainHost = admissionOf('drain', 'Empty a host: nothing new, and what is there leaves after its turn and goes on elsewhere')

export const removeHost = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/hosts/:hostId',
  permission: 'organisation:write',
  summary: 'Forget a host that is gone; its sessions begin anew elsewhere, with what was pushed',
  params,
  response: z.object({ id: idSchema('host'), name: z.string() }),
  errors: ['conflict'],
})

export const setShare = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/fleet/shares/:organisationId',
  permission: 'organisation:write',
  summary: 'How many places an organisation gets against others while there are too few',
  params: z.object({ organisationId: idSchema('org') }),
  body: z.object({ weight }),
  response: z.object({ id: idSchema('org'), name: z.string(), weight }),
})
