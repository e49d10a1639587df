const lower = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value)

/** Google’s own form of a schema (types in capitals, `nullable`) as JSON Schema. */
export function jsonSchemaOf(schema: Record<string, unknown>): Record<string, unknown> {
  const { type, nullable, properties, items, anyOf, propertyOrdering: _, ...rest } = schema
  const said: Record<string, unknown> = { ...rest }
  if (type !== undefined) said.type = nullable === true ? [lower(type), 'null'] : lower(type)
  if (isSchema(properties))
    said.properties = Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [key, isSchema(value) ? jsonSchemaOf(value) : value]),
    )
  if (isSchema(items)) said.items = jsonSchemaOf(items)
  if (Array.isArray(anyOf)) said.anyOf = anyOf.map((value) => (isSchema(value) ? jsonSchemaOf(value) : value))
  return said
}

function isSchema(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
