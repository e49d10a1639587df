import type { CreateElicitationRequest, ElicitationPropertySchema, EnumOption } from '@agentclientprotocol/sdk'
import type { FormField } from '@helix/contract/forms'

/** What an agent wants to know from a person. */
export interface Form {
  message: string
  fields: FormField[]
}

type Options = Extract<FormField, { type: 'choice' }>['options']
// biome-ignore lint/suspicious/noExplicitAny: a property as some agent wrote it
type Property = ElicitationPropertySchema & Record<string, any>

const cut = (text: unknown, length: number): string => (typeof text === 'string' ? text.slice(0, length) : '')
const numberOf = (given: unknown): number | null => (typeof given === 'number' && Number.isFinite(given) ? given : null)

function optionsOf(titled: readonly EnumOption[] | null | undefined, bare: readonly string[] | null | undefined): Options | null {
  const options = titled?.map((one) => ({
    value: one.const,
    label: cut(one.title, 300) || one.const,
    description: cut(one.description, 2000),
  }))
  const found = options ?? bare?.map((value) => ({ value, label: cut(value, 300), description: '' }))
  return found === undefined || found.length === 0 || found.length > 100 ? null : found
}

/** Null for what has no field here. */
function fieldOf(name: string, property: Property, required: boolean): FormField | null {
  const common = { name, title: cut(property.title, 300), description: cut(property.description, 4000), required }
  const initial = property.default ?? null
  const text = typeof initial === 'string' ? initial : null
  switch (property.type) {
    case 'string': {
      const options = optionsOf(property.oneOf, property.enum)
      if (options !== null) return { type: 'choice', ...common, initial: text, options }
      if (property.oneOf != null || property.enum != null) return null
      return { type: 'text', ...common, initial: text, minLength: numberOf(property.minLength), maxLength: numberOf(property.maxLength) }
    }
    case 'number':
    case 'integer': {
      const bounds = { minimum: numberOf(property.minimum), maximum: numberOf(property.maximum) }
      return { type: 'number', ...common, initial: numberOf(initial), whole: property.type === 'integer', ...bounds }
    }
    case 'boolean':
      return { type: 'yes_no', ...common, initial: typeof initial === 'boolean' ? initial : null }
    case 'array': {
      const options = optionsOf(property.items?.anyOf, property.items?.enum)
      const bounds = { minItems: numberOf(property.minItems), maxItems: numberOf(property.maxItems) }
      return options === null ? null : { type: 'choices', ...common, initial: Array.isArray(initial) ? initial : null, options, ...bounds }
    }
    default:
      return null
  }
}

/** The form of a request; null where it asks for what no person here can be asked, as a later protocol may. */
export function formOf(request: CreateElicitationRequest): Form | null {
  if (request.mode !== 'form') return null
  const { requestedSchema } = request as Extract<CreateElicitationRequest, { mode: 'form' }>
  const required = new Set(requestedSchema.required ?? [])
  const entries = Object.entries(requestedSchema.properties ?? {})
  const fields = entries.flatMap(([name, property]) => fieldOf(name, property as Property, required.has(name)) ?? [])
  if (fields.length !== entries.length || fields.length > 40) return null
  return { message: cut(request.message, 4000) || cut(requestedSchema.title, 300) || 'The agent asks', fields }
}
