import type { ProjectSettings } from '@helix/contract/projects'

/** What each section is given. */
export interface SectionProps {
  settings: ProjectSettings
  mayChange: boolean
}
