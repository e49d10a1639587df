import { redirect } from '@sveltejs/kit'
import { routes } from '#lib/routes.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = ({ params }) => redirect(307, routes.projectSettings(params.projectId))
