/** What agents and the supervisor find in a session’s container. Lean on purpose: an agent that needs more says so in its specs. */
export const packages = [
  'ca-certificates',
  'curl',
  'file',
  'git',
  'iproute2',
  'iptables',
  'jq',
  'less',
  'make',
  'openssh-client',
  'patch',
  'procps',
  'python3',
  'ripgrep',
  'tini',
  'unzip',
  'xz-utils',
]

/** The inner Docker engine: about 250 MB more, for hosts that can run one inside a session. */
export const innerDockerPackages = ['docker.io']
