export const documentPath = new URL('../../../../docs/gateway.md', import.meta.url)

const start = '<!-- conformance: written by web/server/gateway/testing/conformance-write.ts -->'
const end = '<!-- end of conformance -->'

/** The document with its tables replaced. Throws where their place is not marked. */
export function withTables(document: string, tables: string): string {
  const from = document.indexOf(start)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error('docs/gateway.md does not mark where the tables stand')
  return `${document.slice(0, from)}${start}\n\n${tables}\n${document.slice(to)}`
}
