import { type FormField, type FormValues, formValues } from '@helix/contract/forms'
import { words } from './messages.ts'

/** A field always has a name that can be read. */
export const labelOf = ({ title, description }: FormField, index: number): string =>
  title !== '' ? title : description !== '' ? description : words.fieldName(index + 1)

/** What a person has filled in before, as their browser kept it; else what the agent proposes. */
export function keptValues(fields: readonly FormField[], kept: string): FormValues {
  try {
    if (kept !== '') return formValues.parse(JSON.parse(kept))
  } catch {
    // What the browser kept is no form: begun anew.
  }
  return Object.fromEntries(fields.flatMap(({ name, initial }) => (initial === null ? [] : [[name, initial]])))
}

/** What was answered, for people to read. */
export function said(fields: readonly FormField[], values: FormValues): { label: string; value: string }[] {
  return fields.flatMap((field, index) => {
    const value = values[field.name]
    if (value === undefined) return []
    const named = (one: string): string =>
      ('options' in field ? field.options.find((option) => option.value === one)?.label : undefined) ?? one
    const text =
      typeof value === 'boolean'
        ? value
          ? words.yes
          : words.no
        : Array.isArray(value)
          ? value.map(named).join(', ')
          : named(String(value))
    return [{ label: labelOf(field, index), value: text }]
  })
}
