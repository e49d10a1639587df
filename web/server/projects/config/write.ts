import type { ProjectConfig } from '@helix/contract/project-config'
import { Document } from 'yaml'

const heading = ` A project of Helix, see docs/helix-yaml.md. What is left out stays as it is; secrets are named and never hold a value.`

/** The configuration as text that people read and compare: keys in the order of the schema, long text as blocks. */
export function writeConfig(config: ProjectConfig): string {
  const document = new Document(config, { aliasDuplicateObjects: false })
  document.commentBefore = heading
  return document.toString({ lineWidth: 0, blockQuote: 'literal' })
}
