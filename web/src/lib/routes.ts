function query(values: Record<string, string | number | undefined | null>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

export const taskTabs = [
  'changes',
  'files',
  'spec',
  'timeline',
  'calls',
  'budget',
  'desktop',
  'recording',
  'terminal',
  'workspace',
] as const
export type TaskTab = (typeof taskTabs)[number]
export const sessionTabs = ['desktop', 'recording', 'terminal', 'workspace', 'checkpoints', 'starts', 'budget'] as const
export type SessionTab = (typeof sessionTabs)[number]
export const repositoryTabs = ['files', 'commits', 'branches'] as const
export type RepositoryTab = (typeof repositoryTabs)[number]

/** Every URL of the pages. */
export const routes = {
  home: () => '/',
  signIn: (next?: string) => `/sign-in${query({ next: next === '/' ? undefined : next })}`,
  signUp: (invitation?: string) => `/sign-up${query({ invitation })}`,
  reset: () => '/reset',
  signOut: () => '/sign-out',
  join: (token: string) => `/join${query({ token })}`,
  inbox: (at: { state?: string | undefined; project?: string | undefined } = {}) =>
    `/inbox${query({ ...at, state: at.state === 'open' ? undefined : at.state })}`,
  projects: (at: { archived?: string | undefined } = {}) => `/projects${query(at)}`,
  newProject: () => '/projects/new',
  board: (projectId: string, at: { filter?: string | undefined; group?: string | undefined } = {}) => `/projects/${projectId}${query(at)}`,
  /** All tasks of a project as a list, archived ones too. */
  taskList: (projectId: string, status?: string) => `/projects/${projectId}/tasks${query({ status })}`,
  projectSettings: (projectId: string, section = 'general') => `/projects/${projectId}/settings/${section}`,
  newTask: (projectId: string) => `/projects/${projectId}/new`,
  task: (taskId: string, tab?: TaskTab) => `/tasks/${taskId}${query({ tab })}`,
  /** A folder or file of the working branch, in one of the project's repositories. */
  taskFiles: (taskId: string, at: { repository?: string | undefined; path?: string } = {}) =>
    `/tasks/${taskId}${query({ tab: 'files', ...at })}`,
  spec: (taskId: string, at: { revision?: number; document?: string; compare?: number; view?: string } = {}) =>
    `/tasks/${taskId}/spec${query({ ...at, view: at.view === 'rendered' ? undefined : at.view })}`,
  /** Machines with agents, of tasks and without. */
  sessions: (projectId: string) => `/projects/${projectId}/sessions`,
  session: (sessionId: string, tab?: SessionTab) => `/sessions/${sessionId}${query({ tab })}`,
  /** The machines that sessions run on. */
  sandboxes: () => '/sandboxes',
  sandbox: (hostId: string, tab?: 'log') => `/sandboxes/${hostId}${query({ tab })}`,
  /** What models were used and cost. */
  usage: (at: { by?: string; projectId?: string } = {}) => `/usage${query(at)}`,
  playground: () => '/playground',
  repositories: () => '/repositories',
  repository: (repositoryId: string, at: { tab?: RepositoryTab; ref?: string | undefined; path?: string } = {}) =>
    `/repositories/${repositoryId}${query(at)}`,
  settings: (section?: string) => (section === undefined ? '/settings' : `/settings/${section}`),
  /** The way to the first merged task. */
  welcome: () => '/welcome',
  /** Is the installation well? */
  admin: () => '/admin',
  apiDocs: () => '/api/docs',
  events: (lastEventId: string | null) => `/api/v1/events${query({ lastEventId })}`,
}

/** Where to go after signing in: a path of this site, never another one. */
export function safeNext(next: string | null): string {
  if (next === null || !next.startsWith('/')) return routes.home()
  const origin = 'http://own.invalid'
  const url = URL.parse(next, origin)
  // `/.//host` is a path of this site that, written out without its dot, is another one.
  return url !== null && url.origin === origin && !url.pathname.startsWith('//') ? url.pathname + url.search : routes.home()
}
