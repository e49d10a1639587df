export const words = {
  audit: 'Audit log',
  table: 'Entries of the audit log',
  about: 'Who did what to what, from where. Nothing here can be changed or deleted.',
  find: 'Find: people, actions, targets, addresses',
  from: 'From',
  to: 'Until',
  export: 'Export',
  csv: 'CSV',
  ndjson: 'JSON lines',
  none: 'Nothing matches',
  noneText: 'Change the filter, or look at a longer time.',
  more: 'Show older entries',
  failed: 'The audit log could not be read',
  time: 'Time',
  who: 'Who',
  what: 'What',
  target: 'Target',
  where: 'From where',
  via: { cookie: 'browser', api_key: 'API key', system: 'Helix', none: 'stranger' },
  fields: 'changed',
}

const shown = (value: unknown): string => {
  if (value === null) return 'none'
  if (Array.isArray(value)) return value.map(shown).join(', ')
  return typeof value === 'object'
    ? Object.entries(value)
        .map(([name, one]) => `${name} = ${shown(one)}`)
        .join(', ')
    : String(value)
}

/** `{ role: 'admin', was: 'member' }` as words: role: admin · was: member. The key that called is said where the call came from. */
export const detailWords = (details: Record<string, unknown>): string =>
  Object.entries(details)
    .filter(([name]) => name !== 'key')
    .map(([name, value]) => `${name === 'fields' ? words.fields : actionWords(name)}: ${shown(value)}`)
    .join(' · ')

/** `approveSpec` as words: approve spec. */
export const actionWords = (action: string): string => action.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)
