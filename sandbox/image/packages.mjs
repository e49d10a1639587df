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

/** The desktop. A session that nobody looks at has it on disk only. */
export const desktopPackages = [
  // Screen (ADR 26), settings of programs, messages between them, sound.
  'tigervnc-standalone-server',
  'x11-xserver-utils',
  'xsettingsd',
  'dbus-daemon',
  'dbus-bin',
  'pulseaudio',
  'pulseaudio-utils',
  // What helix-capture, helix-input and helix-audio are linked with.
  ...['libx264-164', 'libyuv0', 'libturbojpeg0', 'libxdamage1', 'libxfixes3', 'libxrandr2', 'libxi6', 'libxtst6', 'libopus0', 'libpulse0'],
  // What people and agents see and use.
  'openbox',
  'tint2',
  'xfce4-terminal',
  'thunar',
  'geany',
  'chromium',
  'xclip',
  'xdotool',
  'wmctrl',
  'adwaita-icon-theme',
  'librsvg2-common',
  'fonts-dejavu-core',
  'fonts-wqy-microhei',
  'fonts-noto-color-emoji',
]

/** What the programs in `session/capture` are built with; none of it reaches the session image. */
export const buildPackages = [
  'gcc',
  'libc6-dev',
  'make',
  ...['libx11-dev', 'libxext-dev', 'libxdamage-dev', 'libxfixes-dev', 'libxrandr-dev', 'libxi-dev', 'libxtst-dev'],
  ...['libx264-dev', 'libyuv-dev', 'libturbojpeg0-dev', 'libopus-dev', 'libpulse-dev'],
]
