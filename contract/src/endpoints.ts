import * as access from './access.ts'
import * as account from './account.ts'
import * as attachments from './attachments.ts'
import * as audit from './audit.ts'
import * as budgets from './budgets.ts'
import * as bulk from './bulk.ts'
import * as checkpoints from './checkpoints.ts'
import * as codeComments from './code-comments.ts'
import * as connections from './connections.ts'
import * as conversation from './conversation.ts'
import type { Endpoint } from './endpoint.ts'
import * as events from './events.ts'
import * as fleet from './fleet.ts'
import * as health from './health.ts'
import * as hostAccess from './host-access.ts'
import * as hostLogs from './host-logs.ts'
import * as identity from './identity.ts'
import * as inbox from './inbox.ts'
import * as labels from './labels.ts'
import * as machineUse from './machine-use.ts'
import * as mail from './mail.ts'
import * as mcpServers from './mcp-servers.ts'
import * as models from './models.ts'
import * as notifications from './notifications.ts'
import * as onboarding from './onboarding.ts'
import * as organisations from './organisations.ts'
import * as people from './people.ts'
import * as projectConfig from './project-config.ts'
import * as projects from './projects.ts'
import * as providers from './providers.ts'
import * as recordings from './recordings.ts'
import * as registration from './registration.ts'
import * as repositories from './repositories.ts'
import * as reviews from './reviews.ts'
import * as secrets from './secrets.ts'
import * as sessionAgent from './session-agent.ts'
import * as sessionLife from './session-life.ts'
import * as sessions from './sessions.ts'
import * as signIn from './sign-in.ts'
import * as streamTickets from './stream-tickets.ts'
import * as system from './system.ts'
import * as taskMoves from './task-moves.ts'
import * as taskWork from './task-work.ts'
import * as tasks from './tasks.ts'
import * as templates from './templates.ts'
import * as usage from './usage.ts'
import * as views from './views.ts'
import * as webhooks from './webhooks.ts'

function endpointsOf(module: Record<string, unknown>): [string, Endpoint][] {
  return Object.entries(module).filter((entry): entry is [string, Endpoint] => {
    const value = entry[1]
    return typeof value === 'object' && value !== null && 'method' in value && 'permission' in value && 'path' in value
  })
}

/** Every public endpoint by its operation id, for OpenAPI and for the test that asks each as a stranger. */
export const publicEndpoints: ReadonlyMap<string, Endpoint> = new Map(
  [
    identity,
    signIn,
    account,
    connections,
    registration,
    people,
    events,
    organisations,
    access,
    audit,
    budgets,
    projects,
    projectConfig,
    secrets,
    repositories,
    tasks,
    taskMoves,
    taskWork,
    reviews,
    sessions,
    sessionLife,
    sessionAgent,
    checkpoints,
    machineUse,
    recordings,
    streamTickets,
    conversation,
    codeComments,
    system,
    hostAccess,
    hostLogs,
    inbox,
    bulk,
    labels,
    views,
    fleet,
    templates,
    attachments,
    notifications,
    webhooks,
    mail,
    onboarding,
    health,
    providers,
    models,
    mcpServers,
    usage,
  ].flatMap((module) => endpointsOf(module)),
)
