import { z } from 'zod'
import { text } from './text.ts'

/** What a person fills in; an optional field may be missing. */
const value = z.union([text(20_000), z.number(), z.boolean(), z.array(text(2000)).max(100)])
export const formValues = z.record(z.string().max(200), value)
export type FormValue = z.infer<typeof value>
export type FormValues = z.infer<typeof formValues>

const common = {
  name: z.string().max(200),
  title: z.string().max(300),
  description: z.string().max(4000),
  required: z.boolean(),
  /** What stands there before anybody has typed. */
  initial: value.nullable(),
}
const options = z
  .array(z.object({ value: z.string().max(2000), label: z.string().max(300), description: z.string().max(2000) }))
  .min(1)
  .max(100)

/** One field of a form in which an agent asks people for more than a yes: ACP's form elicitation. */
export const formField = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), ...common, minLength: z.number().int().nullable(), maxLength: z.number().int().nullable() }),
  z.object({ type: z.literal('number'), ...common, whole: z.boolean(), minimum: z.number().nullable(), maximum: z.number().nullable() }),
  z.object({ type: z.literal('yes_no'), ...common }),
  z.object({ type: z.literal('choice'), ...common, options }),
  z.object({
    type: z.literal('choices'),
    ...common,
    options,
    minItems: z.number().int().nullable(),
    maxItems: z.number().int().nullable(),
  }),
])
export type FormField = z.infer<typeof formField>

const outside = (size: number, least: number | null, most: number | null, of: string): string | null => {
  if (least !== null && size < least) return `at least ${least}${of}`
  return most !== null && size > most ? `at most ${most}${of}` : null
}

function faultOf(field: FormField, given: FormValue): string | null {
  switch (field.type) {
    case 'text':
      return typeof given === 'string' ? outside(given.length, field.minLength, field.maxLength, ' characters') : 'a text is asked for'
    case 'number':
      if (typeof given !== 'number' || !Number.isFinite(given)) return 'a number is asked for'
      if (field.whole && !Number.isInteger(given)) return 'a whole number is asked for'
      return outside(given, field.minimum, field.maximum, '')
    case 'yes_no':
      return typeof given === 'boolean' ? null : 'yes or no is asked for'
    case 'choice':
      return field.options.some((option) => option.value === given) ? null : 'not one of the choices'
    case 'choices':
      if (!Array.isArray(given) || given.some((one) => !field.options.some((option) => option.value === one)))
        return 'not among the choices'
      return outside(new Set(given).size, field.minItems, field.maxItems, ' choices')
  }
}

const isEmpty = (given: FormValue | undefined): boolean =>
  given === undefined || given === '' || (Array.isArray(given) && given.length === 0)

/** What is wrong with what was filled in, by the field's name; empty: nothing. */
export function formFaults(fields: readonly FormField[], values: FormValues): Record<string, string> {
  const faults: Record<string, string> = {}
  for (const name of Object.keys(values)) if (!fields.some((field) => field.name === name)) faults[name] = 'nobody asked for this'
  for (const field of fields) {
    const given = values[field.name]
    const fault = given === undefined || isEmpty(given) ? (field.required ? 'an answer is needed' : null) : faultOf(field, given)
    if (fault !== null) faults[field.name] = fault
  }
  return faults
}

/** What was really filled in: empty optional fields are left out. */
export const filledIn = (values: FormValues): FormValues =>
  Object.fromEntries(Object.entries(values).filter(([, given]) => !isEmpty(given)))

/** An agent's question with a form is answered by one of these, as a request for permission is by its options. */
export const answerOption = { id: 'answer', name: 'Answer', kind: 'allow_once' } as const
export const declineOption = { id: 'decline', name: 'Go on without an answer', kind: 'reject_once' } as const
