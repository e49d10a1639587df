import type { CleanedWhere } from 'better-auth/adapters'
import { createAdapterFactory } from 'better-auth/adapters'
import type { Knex } from 'knex'
import { hashSecret } from '../hashing.ts'

const operators: Record<string, string> = { ne: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' }

const isToken = (model: string, field: string): boolean => model === 'browser_sessions' && field === 'token'
const asKept = (model: string, field: string, value: unknown): unknown =>
  isToken(model, field) && typeof value === 'string' ? hashSecret(value) : value

function narrow(query: Knex.QueryBuilder, model: string, where: readonly CleanedWhere[] = []): Knex.QueryBuilder {
  for (const { field, operator, value, connector } of where) {
    const kept = asKept(model, field, value)
    const text = `%${String(value).replace(/[\\%_]/g, '\\$&')}%`
    const apply = (one: Knex.QueryBuilder): void => {
      if (operator === 'in') one.whereIn(field, (Array.isArray(kept) ? kept : [kept]) as string[])
      else if (operator === 'not_in') one.whereNotIn(field, (Array.isArray(kept) ? kept : [kept]) as string[])
      else if (operator === 'contains') one.where(field, 'like', text)
      else if (operator === 'starts_with') one.where(field, 'like', text.slice(1))
      else if (operator === 'ends_with') one.where(field, 'like', text.slice(0, -1))
      else if (kept === null) operator === 'ne' ? one.whereNotNull(field) : one.whereNull(field)
      else one.where(field, operators[operator ?? 'eq'] ?? '=', kept as string)
    }
    if (connector === 'OR') query.orWhere((one) => apply(one))
    else query.andWhere((one) => apply(one))
  }
  return query
}

const keptRow = (model: string, data: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).map(([field, value]) => [field, asKept(model, field, value)]))

/** Sorting comes with better-auth's own name of a field, everything else with ours. */
const columnOf = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** A session that was asked for by its token answers that token; the table has only its hash. */
function restored<T>(model: string, row: T | undefined, where: readonly CleanedWhere[]): T | null {
  if (row === undefined) return null
  const token = model === 'browser_sessions' ? where.find(({ field }) => field === 'token')?.value : undefined
  return token === undefined ? row : { ...row, token }
}

/**
 * better-auth's tables through our one knex: a second pool would be a second session, which PGlite does not have. Tokens of browser sessions are
 * hashed on the way in.
 */
export const knexAdapter = (db: Knex) =>
  createAdapterFactory({
    config: { adapterId: 'knex', supportsNumericIds: false, supportsJSON: false, transaction: false },
    adapter: () => ({
      create: async ({ model, data }) => {
        const [row] = await db(model).insert(keptRow(model, data)).returning('*')
        return model === 'browser_sessions' ? { ...row, token: data.token } : row
      },
      update: async ({ model, where, update }) => {
        const [row] = await narrow(db(model), model, where)
          .update(keptRow(model, update as Record<string, unknown>))
          .returning('*')
        return restored(model, row, where)
      },
      updateMany: ({ model, where, update }) =>
        narrow(db(model), model, where).update(keptRow(model, update)) as unknown as Promise<number>,
      findOne: async ({ model, where }) => restored(model, await narrow(db(model), model, where).first('*'), where),
      findMany: async ({ model, where, limit, sortBy, offset }) => {
        const query = narrow(db(model), model, where).select('*').limit(limit)
        if (sortBy !== undefined) query.orderBy(columnOf(sortBy.field), sortBy.direction)
        if (offset !== undefined) query.offset(offset)
        return query
      },
      delete: async ({ model, where }) => {
        await narrow(db(model), model, where).delete()
      },
      deleteMany: ({ model, where }) => narrow(db(model), model, where).delete() as unknown as Promise<number>,
      consumeOne: async ({ model, where }) => {
        const one = narrow(db(model), model, where).select('id').limit(1)
        const [row] = await db(model).whereIn('id', one).delete().returning('*')
        return restored(model, row, where)
      },
      count: async ({ model, where }) => {
        const row = await narrow(db(model), model, where).count('* as count').first()
        return Number(row?.count ?? 0)
      },
    }),
  })
