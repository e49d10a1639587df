import { demoModel } from '@helix/contract/gateway'
import type { ProjectId, UserId } from '@helix/contract/ids'
import type { OrganisationModelRules, ProjectModelRules } from '@helix/contract/models'
import type { Candidate, ConversationDialect, Policy } from '../ports/candidate.ts'
import type { Scope } from '../ports/scope.ts'
import type { Installation } from './installation.ts'
import type { Masked } from './mask.ts'
import { listedModel, standardChoices } from './prices.ts'
import { type KnownProvider, kindsFor, type ModelFacts, modelsOf, regionOf, speaks } from './provider.ts'

/** What an organisation has in the database, opened. */
export interface OfOrganisation {
  providers: readonly KnownProvider[]
  /** By provider and model: `<provider id> <model>`. */
  facts: ReadonlyMap<string, ModelFacts>
  aliases: ReadonlyMap<string, readonly string[]>
  rules: OrganisationModelRules
  projects: ReadonlyMap<ProjectId, ProjectModelRules>
  /** Secrets of the projects that mask them; the organisation's under null. */
  secrets: ReadonlyMap<ProjectId | null, Masked>
}

type Who = Pick<Scope, 'projectId' | 'userId'>

export interface Offered {
  id: string
  provider: string
  known: KnownProvider | null
  aliasOf: string | null
  facts: ModelFacts
}

/** People's own go first, then the organisation's, then the installation's. Units: ranks. */
const firstRank = { person: 0, organisation: 100, installation: 200 } as const
const mostRemembered = 2000
const unknown: ModelFacts = { price: null, maxOutputTokens: null }
const nothing: readonly Candidate[] = []

export const factsKey = (providerId: string, model: string): string => `${providerId} ${model}`

function patternOf(patterns: readonly string[]): (model: string) => boolean {
  const parts = patterns.map((one) => one.replace(/[\\^$.+?()[\]{}|/-]/g, '\\$&').replaceAll('*', '.*'))
  const all = new RegExp(`^(${parts.join('|')})$`, 'i')
  return (model) => all.test(model)
}

/** Everything the gateway asks of one organisation, answered from memory. */
export class Snapshot {
  private readonly installation: Installation
  private readonly own: OfOrganisation
  private readonly found = new Map<string, readonly Candidate[]>()
  private readonly policies = new Map<ProjectId | null, Policy>()
  private readonly allows = new Map<ProjectId | null, (model: string) => boolean>()

  constructor(installation: Installation, own: OfOrganisation) {
    this.installation = installation
    this.own = own
  }

  /** Those that a call of this person may use. */
  providersOf(userId: UserId | null): readonly KnownProvider[] {
    const mine = this.own.providers.filter(
      (one) => one.scope === 'organisation' || (this.own.rules.ownKeys && userId !== null && one.userId === userId),
    )
    return [...mine, ...this.installation.providers]
  }

  get ownKeys(): boolean {
    return this.own.rules.ownKeys
  }

  demo(userId: UserId | null): boolean {
    return this.providersOf(userId).length === 0
  }

  policyOf(projectId: ProjectId | null): Policy {
    const known = this.policies.get(projectId)
    if (known !== undefined) return known
    const { rules, projects, secrets } = this.own
    const project = projectId === null ? undefined : projects.get(projectId)
    const masks = project?.maskSecrets ?? rules.maskSecrets
    const policy: Policy = {
      models: project?.models ?? rules.models,
      regions: narrowed(rules.regions, project?.regions ?? null),
      headers: merged(rules.headers, project?.headers ?? {}),
      masked: masks ? (secrets.get(projectId) ?? secrets.get(null) ?? []) : [],
      keepBodies: false,
      choose: project?.choose ?? rules.choose,
    }
    this.policies.set(projectId, policy)
    return policy
  }

  /** Both the organisation and the project let the name through. */
  private allowed(projectId: ProjectId | null): (model: string) => boolean {
    const known = this.allows.get(projectId)
    if (known !== undefined) return known
    const lists = [this.own.rules.models, projectId === null ? null : (this.own.projects.get(projectId)?.models ?? null)]
    const tests = lists.filter((list) => list !== null).map(patternOf)
    const made = (model: string): boolean => tests.every((test) => test(model))
    this.allows.set(projectId, made)
    return made
  }

  candidates(who: Who, model: string): readonly Candidate[] {
    const key = `${who.projectId} ${who.userId} ${model}`
    const known = this.found.get(key)
    if (known !== undefined) return known
    const made = this.look(who, model)
    // Names that nobody has are typed by clients: they must not fill the memory.
    if (this.found.size >= mostRemembered) this.found.clear()
    this.found.set(key, made)
    return made
  }

  private look(who: Who, asked: string): readonly Candidate[] {
    const providers = this.providersOf(who.userId)
    const allowed = this.allowed(who.projectId)
    const { regions } = this.policyOf(who.projectId)
    const inRegion = providers.filter(
      (one) => regions === null || regions.includes((regionOf(one.region, one.settings) ?? '').toLowerCase()),
    )
    const targets = this.targetsOf(asked, providers)
    if (targets === null) return allowed(asked) ? sorted(this.having(inRegion, asked, 0)) : nothing
    // Whoever allows an alias allows what it stands for.
    const through = allowed(asked) ? targets : targets.filter(allowed)
    return sorted(through.flatMap((model, order) => this.having(inRegion, model, order)))
  }

  /** The models that an alias stands for; null: it is none. */
  private targetsOf(name: string, providers: readonly KnownProvider[]): readonly string[] | null {
    const given = this.own.aliases.get(name) ?? this.installation.aliases.get(name)
    if (given !== undefined && given.length > 0) return given
    if (name !== 'fast' && name !== 'smart') return null
    if (providers.some((one) => modelsOf(one).includes(name))) return null
    return this.standard(name, providers)
  }

  /** The first well-known model that can be had; without any, the model that sessions use anyway. */
  private standard(alias: 'fast' | 'smart', providers: readonly KnownProvider[]): readonly string[] {
    const listed = new Set(providers.flatMap((one) => modelsOf(one)))
    const exact = standardChoices[alias].find((model) => listed.has(model))
    if (exact !== undefined) return [exact]
    const open = standardChoices[alias].find((model) =>
      providers.some(
        (one) => one.allowed === null && one.listed.length === 0 && one.kind !== 'openai_compatible' && kindsFor(model)?.includes(one.kind),
      ),
    )
    const usual = open ?? this.installation.defaultModel ?? [...listed][0]
    return usual === undefined ? [] : [usual]
  }

  private having(providers: readonly KnownProvider[], asked: string, order: number): Candidate[] {
    const { found, model } = this.servers(providers, asked)
    return found.flatMap((one) => this.candidatesOf(one, model, order))
  }

  /** Who lists the model; else who was named before a `/`; else who passes everything on, those at home with such a name if there are any. */
  private servers(providers: readonly KnownProvider[], asked: string): { found: readonly KnownProvider[]; model: string } {
    const listing = providers.filter((one) => modelsOf(one).includes(asked))
    if (listing.length > 0) return { found: listing, model: asked }
    const named = providers.filter(({ name }) => asked.toLowerCase().startsWith(`${name.toLowerCase()}/`))
    const [first] = named
    if (first !== undefined) {
      const model = asked.slice(first.name.length + 1)
      const same = named.filter((one) => one.name.length === first.name.length && (one.allowed === null || one.allowed.includes(model)))
      if (same.length > 0) return { found: same, model }
    }
    const open = providers.filter(({ allowed }) => allowed === null)
    const kinds = kindsFor(asked)
    const home = kinds === null ? [] : open.filter(({ kind }) => kinds.includes(kind))
    return { found: home.length > 0 ? home : open, model: asked }
  }

  factsOf(provider: Pick<KnownProvider, 'id' | 'facts'>, model: string): ModelFacts & { from: 'own' | 'file' | 'list' | null } {
    const own = this.own.facts.get(factsKey(provider.id, model))
    const file = provider.facts.get(model)
    const list = listedModel(model)
    const from = own?.price ? 'own' : file?.price ? 'file' : list ? 'list' : null
    return {
      price: own?.price ?? file?.price ?? list?.price ?? null,
      maxOutputTokens: own?.maxOutputTokens ?? file?.maxOutputTokens ?? list?.maxOutputTokens ?? null,
      from,
    }
  }

  private candidatesOf(provider: KnownProvider, model: string, order: number): Candidate[] {
    const { price, maxOutputTokens } = this.factsOf(provider, model)
    const keys = provider.keys.length > 0 ? provider.keys : [{ id: `${provider.id}:none`, secret: '', weight: 1 }]
    const total = keys.reduce((sum, { weight }) => sum + weight, 0)
    return keys.map(({ id, secret, weight }) => ({
      providerId: provider.id,
      provider: provider.name,
      kind: provider.kind,
      baseUrl: provider.baseUrl,
      key: { id, secret },
      settings: provider.settings,
      model,
      speaks: speaks(provider),
      price,
      maxOutputTokens,
      region: regionOf(provider.region, provider.settings),
      guarded: provider.guarded,
      // A whole alias's first model goes before its second, whoever has it.
      rank: order * 1000 + firstRank[provider.scope] + provider.rank,
      weight: (provider.weight * weight) / total,
    }))
  }

  /** What the caller may ask for: aliases first, then models by provider. */
  offered(who: Who): Offered[] {
    const allowed = this.allowed(who.projectId)
    const providers = this.providersOf(who.userId)
    const names = new Set([...this.own.aliases.keys(), ...this.installation.aliases.keys(), 'smart', 'fast'])
    const aliases = [...names].flatMap((id): Offered[] => {
      const [first] = this.candidates(who, id)
      if (first === undefined || first.model === id) return []
      return [{ id, provider: first.provider, known: null, aliasOf: first.model, facts: first }]
    })
    const models = providers.flatMap((known) =>
      modelsOf(known)
        .filter((model) => allowed(model) && this.candidates(who, model).some(({ providerId }) => providerId === known.id))
        .map((id): Offered => ({ id, provider: known.name, known, aliasOf: null, facts: this.factsOf(known, id) ?? unknown })),
    )
    return [...aliases, ...models]
  }

  /** What agents of a dialect ask for when nobody chose a model, rather one that needs no translation; null: nobody can say. */
  defaultModel(who: Who, dialect: ConversationDialect): string | null {
    const all = this.providersOf(who.userId)
    if (all.length === 0) return demoModel
    const chosen = this.installation.defaultModel
    if (chosen !== null && (all.every(({ scope }) => scope === 'installation') || this.candidates(who, chosen).length > 0)) return chosen
    const given =
      this.own.aliases.has('smart') || this.installation.aliases.has('smart') ? this.candidates(who, 'smart')[0]?.model : undefined
    if (given !== undefined) return given
    const fluent = all.filter((one) => speaks(one).includes(dialect))
    const choices = [fluent, all].flatMap((some) => this.standard('smart', some))
    return choices.find((model) => this.candidates(who, model).length > 0) ?? null
  }
}

/** Best rank first; of one rank in the order they were found. */
const sorted = (candidates: Candidate[]): readonly Candidate[] => candidates.toSorted((a, b) => a.rank - b.rank)

const narrowed = (wide: readonly string[] | null, narrow: readonly string[] | null): readonly string[] | null =>
  wide === null || narrow === null ? (wide ?? narrow) : narrow.filter((one) => wide.includes(one))

/** A project's header takes the place of the organisation's, however its name is written. */
function merged(wide: Readonly<Record<string, string>>, narrow: Readonly<Record<string, string>>): Record<string, string> {
  const all = new Map(Object.entries({ ...wide }).map(([name, value]) => [name.toLowerCase(), value]))
  for (const [name, value] of Object.entries(narrow)) all.set(name.toLowerCase(), value)
  return Object.fromEntries(all)
}
