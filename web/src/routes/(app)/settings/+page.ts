import { redirect } from '@sveltejs/kit'
import { routes } from '#lib/routes.ts'
import { firstSection } from '#lib/settings/sections.ts'

export const load = () => redirect(307, routes.settings(firstSection.key))
