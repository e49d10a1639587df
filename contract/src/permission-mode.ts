import { z } from 'zod'

/** `allow`: agents use their tools without asking, the container is the boundary. `ask`: what they ask waits for a person. */
export const permissionMode = z.enum(['allow', 'ask'])
export type PermissionMode = z.infer<typeof permissionMode>
