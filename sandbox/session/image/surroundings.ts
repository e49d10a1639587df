/** How a session lives in the image that it was started from. */
export interface Surroundings {
  /** What a person's shell is started with. */
  shell: readonly string[]
  userName: string
  dockerd: boolean
  /** Beside the container's own environment. */
  env: Record<string, string>
  /** What is missing, for people. */
  sentences: readonly string[]
  /** Likewise, in a few words. */
  lacks: string
}

export const ownImage: Surroundings = { shell: ['/bin/bash', '-l'], userName: 'agent', dockerd: true, env: {}, sentences: [], lacks: '' }
