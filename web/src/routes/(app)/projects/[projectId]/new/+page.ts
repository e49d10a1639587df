import { listBranches } from '@helix/contract/repositories'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const { project } = await event.parent()
  const repository = project.repositories[0]
  if (repository === undefined) return { branches: [] }
  const { items } = await ask(event, listBranches, { params: { repositoryId: repository.id } })
  return { branches: items.map((branch) => branch.name) }
}
