import { HelixError } from '@helix/contract/errors'
import express, { type Express } from 'express'
import { accessRoutes } from './access/routes.ts'
import { attachmentRoutes } from './attachments/routes.ts'
import { auditRoutes } from './audit/routes.ts'
import { checkpointRoutes } from './checkpoints/routes.ts'
import { codeCommentRoutes } from './code-comments/routes.ts'
import type { Context } from './context.ts'
import { conversationRoutes } from './conversation/routes.ts'
import { StreamOrigins } from './desktop/addresses.ts'
import { desktopRoutes } from './desktop/routes.ts'
import { eventRoutes } from './events/routes.ts'
import { budgetRoutes } from './gateway/budgets/routes.ts'
import { providerRoutes } from './gateway/catalogue/providers/routes.ts'
import { modelRoutes } from './gateway/catalogue/rules/routes.ts'
import { gitRoutes } from './git/routes.ts'
import { healthPageRoutes } from './health/routes.ts'
import { hostCredentialRoutes } from './hosts/credentials/routes.ts'
import { hostLogRoutes } from './hosts/logs/routes.ts'
import { hostRoutes } from './hosts/routes.ts'
import { errorHandler } from './http/errors.ts'
import { healthRoutes } from './http/health.ts'
import type { Metrics } from './http/metrics.ts'
import { sameOrigin } from './http/origin.ts'
import { requestLog, securityHeaders } from './http/request.ts'
import { identityRoutes } from './identity/routes.ts'
import { inboxRoutes } from './inbox/routes.ts'
import { internalRoutes } from './internal/routes.ts'
import { invitationRoutes } from './invitations/routes.ts'
import { labelRoutes } from './labels/routes.ts'
import { machineRoutes } from './machine/routes.ts'
import { mailRoutes } from './mail/routes.ts'
import { mcpProxyRoutes } from './mcp/proxy/routes.ts'
import { mcpServerRoutes } from './mcp/servers/routes.ts'
import { notificationRoutes } from './notifications/routes.ts'
import { onboardingRoutes } from './onboarding/routes.ts'
import { organisationRoutes } from './organisations/routes.ts'
import { pagesHandler } from './pages.ts'
import { fleetRoutes } from './placement/fleet/routes.ts'
import { previewRoutes } from './previews/routes.ts'
import { projectRoutes } from './projects/routes.ts'
import { recordingIngestRoutes } from './recordings/ingest.ts'
import { recordingRoutes } from './recordings/routes.ts'
import { repositoryRoutes } from './repositories/routes.ts'
import { specLinkRoutes } from './reviews/links/routes.ts'
import { reviewRoutes } from './reviews/routes.ts'
import { secretRoutes } from './secrets/routes.ts'
import { sessionAgentRoutes } from './sessions/life/agent-routes.ts'
import { sessionLifeRoutes } from './sessions/life/routes.ts'
import { sessionRoutes } from './sessions/routes.ts'
import { systemRoutes } from './system/routes.ts'
import { bulkRoutes } from './tasks/bulk.ts'
import { taskRoutes } from './tasks/routes.ts'
import { templateRoutes } from './templates/routes.ts'
import { usageRoutes } from './usage/routes.ts'
import { viewRoutes } from './views/routes.ts'
import { webhookRoutes } from './webhooks/routes.ts'

/**
 * The mount order, and nothing else. Streams (`/git`, `/mcp`) come before any body parser; pages come last. Previews and the gateway (`/v1`, `/v1beta`) are served by the
 * http server itself, before Express.
 */
export async function createApp(context: Context, metrics: Metrics): Promise<Express> {
  const app = express()
  app.disable('x-powered-by')
  // Pages ask the API over loopback for the person who asked them; ingresses stand in front.
  app.set(
    'trust proxy',
    context.config.HELIX_TRUSTED_PROXIES.split(',').map((one) => one.trim()),
  )
  app.use(requestLog(context.log, (route, status, seconds) => metrics.observe(route, status, seconds)))
  app.use(securityHeaders)
  app.use(healthRoutes(context))
  app.use('/git', gitRoutes(context))
  app.use(mcpProxyRoutes(context))
  app.use('/api', sameOrigin(context.config.frontendUrl))
  app.use(eventRoutes(context))
  app.use(identityRoutes(context))
  app.use(organisationRoutes(context))
  app.use(invitationRoutes(context))
  app.use(accessRoutes(context))
  app.use(auditRoutes(context))
  app.use(budgetRoutes(context))
  app.use(projectRoutes(context))
  app.use(secretRoutes(context))
  app.use(providerRoutes(context))
  app.use(modelRoutes(context))
  app.use(mcpServerRoutes(context))
  app.use(usageRoutes(context))
  app.use(repositoryRoutes(context))
  app.use(bulkRoutes(context))
  app.use(attachmentRoutes(context))
  app.use(taskRoutes(context))
  app.use(labelRoutes(context))
  app.use(viewRoutes(context))
  app.use(templateRoutes(context))
  app.use(reviewRoutes(context))
  app.use(specLinkRoutes(context))
  app.use(sessionRoutes(context))
  app.use(sessionLifeRoutes(context))
  app.use(sessionAgentRoutes(context))
  app.use(checkpointRoutes(context))
  app.use(machineRoutes(context))
  app.use(desktopRoutes(context))
  app.use(previewRoutes(context))
  app.use(inboxRoutes(context))
  app.use(notificationRoutes(context))
  app.use(webhookRoutes(context))
  app.use(mailRoutes(context))
  app.use(conversationRoutes(context))
  app.use(codeCommentRoutes(context))
  app.use(recordingRoutes(context))
  app.use(recordingIngestRoutes(context))
  app.use(hostRoutes(context))
  app.use(fleetRoutes(context))
  app.use(hostCredentialRoutes(context))
  app.use(hostLogRoutes(context))
  app.use(systemRoutes(context))
  app.use(onboardingRoutes(context))
  app.use(healthPageRoutes(context))
  app.use(internalRoutes(context))
  app.use(['/api', '/internal'], () => {
    throw new HelixError('not_found')
  })
  app.use(await pagesHandler(context.config.frontendUrl, new StreamOrigins(context.db)))
  app.use(errorHandler(context.log))
  return app
}
