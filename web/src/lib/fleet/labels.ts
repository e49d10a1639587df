import type { HostLabels } from '@helix/contract/host-labels'

/** Labels as people write them: one `name=value` a line. */
export const labelText = (labels: HostLabels): string =>
  Object.entries(labels)
    .map((label) => label.join('='))
    .join('\n')

/** What was written; the server says what of it is no label. */
export const labelsOf = (text: string): HostLabels =>
  Object.fromEntries(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map((line) => {
        const [name = '', ...value] = line.split('=')
        return [name.trim(), value.join('=').trim()]
      }),
  )

/** Of the faults of a form, those of its field with labels, each naming its label. */
export function labelFault(errors: Record<string, string>, field: string): string | undefined {
  const found = Object.entries(errors).find(([name]) => name === field || name.startsWith(`${field}.`))
  if (found === undefined) return undefined
  const [name, text] = found
  return name === field ? text : `${name.slice(field.length + 1)}: ${text}`
}
