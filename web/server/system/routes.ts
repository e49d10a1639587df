import { type Role, roleGrants } from '@helix/contract/permissions'
import { getSystem } from '@helix/contract/system'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { inferenceOf } from '../gateway/providers.ts'
import { HostStore } from '../hosts/store.ts'
import { mount } from '../http/mount.ts'
import { openApiDocument } from '../http/openapi.ts'
import { RegistrationStore } from '../identity/registration/store.ts'
import { mailTrouble } from '../mail/store.ts'
import { OnboardingStore } from '../onboarding/store.ts'

/** What this installation has and lacks, and the description of its API. */
export function systemRoutes(context: Context): Router {
  const router = Router()
  const hosts = new HostStore(context.db)
  const onboarding = new OnboardingStore(context.db)
  const registration = new RegistrationStore(context.db, context.config)
  const { config, catalogue } = context

  mount(router, context, getSystem, async ({ actor }) => {
    const home = await registration.isHome(actor.orgId)
    const [all, trouble, steps, snapshot] = await Promise.all([
      hosts.list(home ? undefined : actor.orgId),
      mailTrouble(context.db, home ? null : actor.orgId),
      onboarding.state(actor.orgId),
      catalogue.snapshotOf(actor.orgId),
    ])
    const online = all.filter((host) => host.online)
    const problems = online.flatMap((host) => (host.problem === null ? [] : [`Sandbox host ${host.name}: ${host.problem}`]))
    if (online.length === 0) problems.push('No sandbox host is online: tasks wait until one is. See the log of the sandbox host.')
    if (trouble !== null) problems.push(mailProblem(trouble, actor.orgRole))
    return {
      version: config.version,
      inference: inferenceOf(snapshot, actor.userId),
      hostsOnline: online.length,
      temporalUiUrl: config.TEMPORAL_UI_URL ?? null,
      problems,
      gettingStarted: !steps.complete && !steps.dismissed,
      runsInstallation: home && roleGrants(actor.orgRole, 'organisation:write'),
    }
  })
  router.get('/api/v1/openapi.json', (_request, response) => {
    response.json(openApiDocument())
  })
  router.get('/api/docs', (_request, response) => {
    response.type('html').send(docsPage())
  })
  return router
}

/** The server's own words are for who may do something about them. */
function mailProblem({ waiting, error }: { waiting: number; error: string }, role: Role): string {
  const what = `E-mail does not get out: ${waiting} ${waiting === 1 ? 'mail waits' : 'mails wait'} and will be sent when it does.`
  return roleGrants(role, 'organisation:write') ? `${what} The last answer: ${error} See Settings, Mail.` : what
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)

/** A readable list of the operations without any script. */
function docsPage(): string {
  const rows = Object.entries(openApiDocument().paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item ?? {}).map(([method, operation]) => {
      const { summary, description } = operation as { summary?: string; description?: string }
      return `<tr><td><code>${method.toUpperCase()}</code></td><td><code>${escaped(path)}</code></td><td>${escaped(summary ?? '')}</td><td>${escaped(description ?? '')}</td></tr>`
    }),
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Helix API</title>
<style>:root{color-scheme:light dark}body{font:14px system-ui;margin:2rem}td{padding:.25rem .75rem;vertical-align:top;border-bottom:1px solid #8884}</style>
<h1>Helix API</h1><p>The machine-readable description is <a href="/api/v1/openapi.json">openapi.json</a>. Send an API key as <code>Authorization: Bearer hx_…</code>.</p>
<table>${rows.join('')}</table></html>`
}
