import { supervisorPort } from '@helix/contract/link'
import { z } from 'zod'

const path = (fallback: string) => z.string().startsWith('/').default(fallback)
const number = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback)

const environment = z.object({
  HELIX_SESSION_FILE: path('/run/helix/session.json'),
  HELIX_SLOT_FILE: path('/run/helix/slot.json'),
  HELIX_WORKSPACE: path('/workspace'),
  HELIX_AGENT_PACKS: path('/opt/agents'),
  HELIX_AGENT_HOME: path('/home/agent'),
  HELIX_RUN_DIR: path('/run/helix'),
  HELIX_LINK_PORT: number(supervisorPort),
  /** The desktop's own programs. */
  HELIX_DESKTOP_PROGRAMS: path('/opt/helix/desktop'),
  /** What makes the picture: `x264`, or an encoder of ffmpeg like `h264_nvenc` or `h264_vaapi`. */
  HELIX_DESKTOP_ENCODER: z
    .string()
    .regex(/^[a-z0-9_]{1,40}$/)
    .default('x264'),
  /** Git and the agent run as this user when the supervisor is root; 0 keeps them root. */
  HELIX_AGENT_UID: number(1000),
  /** Where the kit is mounted in a container whose image is not ours, and what that image is called. */
  HELIX_SESSION_KIT: z.string().startsWith('/').optional(),
  HELIX_SESSION_IMAGE: z.string().default('of the project'),
})

/** Variables of the container that git and the agent get too: how to reach and trust the network, and how the image's Docker builds. */
const handedOn = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'CURL_CA_BUNDLE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'TZ',
  'DOCKER_BUILDKIT',
]

export interface Config {
  sessionFile: string
  slotFile: string
  workspace: string
  packs: string
  agentHome: string
  runDir: string
  linkPort: number
  desktopPrograms: string
  desktopEncoder: string
  agentUid: number
  network: Record<string, string>
  kit: string | null
  image: string
  /** The container's own PATH; empty: the usual one. */
  path: string
}

/** Throws with the name of the variable that is wrong. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const parsed = environment.safeParse(env)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`)
  }
  const values = parsed.data
  const network: Record<string, string> = {}
  for (const name of handedOn) {
    const value = env[name]
    if (value !== undefined) network[name] = value
  }
  return {
    sessionFile: values.HELIX_SESSION_FILE,
    slotFile: values.HELIX_SLOT_FILE,
    workspace: values.HELIX_WORKSPACE,
    packs: values.HELIX_AGENT_PACKS,
    agentHome: values.HELIX_AGENT_HOME,
    runDir: values.HELIX_RUN_DIR,
    linkPort: values.HELIX_LINK_PORT,
    desktopPrograms: values.HELIX_DESKTOP_PROGRAMS,
    desktopEncoder: values.HELIX_DESKTOP_ENCODER,
    agentUid: values.HELIX_AGENT_UID,
    network: { ...(values.HELIX_SESSION_KIT === undefined ? {} : ofImage(env)), ...network },
    kit: values.HELIX_SESSION_KIT ?? null,
    image: values.HELIX_SESSION_IMAGE,
    path: values.HELIX_SESSION_KIT === undefined ? '' : (env.PATH ?? ''),
  }
}

/** What an image that is not ours says about its programs, like JAVA_HOME: all of it but what is the supervisor's, or each user's own. */
function ofImage(env: NodeJS.ProcessEnv): Record<string, string> {
  const own = /^(HELIX_.*|PATH|HOME|USER|LOGNAME|SHELL|HOSTNAME|PWD|OLDPWD|SHLVL|_|NODE_OPTIONS|LD_.*)$/
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined || own.test(name) ? [] : [[name, value]])))
}
