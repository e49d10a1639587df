import { getSpec, specDocuments } from '@helix/contract/reviews'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  event.depends('helix:spec')
  const { task } = await event.parent()
  const read = (revision: string | null) =>
    ask(event, getSpec, { params: { taskId: task.id }, query: revision === null ? {} : { revision: Number(revision) } })
  const other = event.url.searchParams.get('compare')
  const [spec, compared] = await Promise.all([read(event.url.searchParams.get('revision')), other === null ? null : read(other)])
  return { spec, compared, documents: specDocuments }
}
