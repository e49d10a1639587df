import type { Readable } from 'node:stream'

export type Labels = Record<string, string>

export interface EngineInfo {
  /** Names of runtimes registered with the engine. */
  runtimes: string[]
  /** Users of the engine are mapped to unprivileged ones of the machine. */
  usernsRemap: boolean
  cpus: number
  memoryBytes: number
  /** As Node names it: `x64`, `arm64`. */
  architecture: string
  /** Where the engine keeps its data, on its own machine. */
  dataRoot: string
}

export interface ContainerSummary {
  id: string
  name: string
  /** As it was named when the container was made; its id where that name is another image's now. */
  image: string
  labels: Labels
  running: boolean
  /** Units: milliseconds since 1970. */
  createdAt: number
}

export interface ContainerState {
  running: boolean
  exitCode: number
  outOfMemory: boolean
  /** Address and port of `port` of the container, as this process reaches it; null while it has none. */
  address: string | null
}

export interface ContainerSpec {
  name: string
  image: string
  labels: Labels
  /** Null: the image's own. */
  command: string[] | null
  /** As whom it starts, like `0:0`; null: as the image says. */
  user: string | null
  env: Record<string, string>
  /** Null: no network. */
  network: string | null
  /** Port inside that this process dials. */
  port: number | null
  publish: boolean
  volumes: { volume: string; path: string; readOnly: boolean }[]
  tmpfs: Record<string, string>
  memoryBytes: number
  cpus: number
  /** Processes and threads of the machine. */
  pids: number
  /** Units: bytes that one file may have; null: as many as fit. */
  fileBytes: number | null
  runtime: string | null
  capabilities: string[]
  noNewPrivileges: boolean
  /** JSON of a seccomp profile; null: the engine's default. */
  seccomp: string | null
  privateCgroups: boolean
  /** Whom names are asked at; null: as the engine does. */
  nameservers: readonly string[] | null
}

export interface Network {
  id: string
  name: string
  labels: Labels
  subnets: string[]
  createdAt: number
}

export interface ImageSummary {
  id: string
  /** None: it lost them to another image. */
  names: readonly string[]
  bytes: number
  /** Units: milliseconds since 1970. */
  createdAt: number
}

export interface Volume {
  name: string
  /** Where its files lie on the engine's machine. */
  folder: string
  labels: Labels
  createdAt: number
}

/** Who a registry is asked as. */
export interface ImageLogin {
  user: string
  password: string
}

/** Of an image that is fetched. Units: bytes of what is known so far. */
export interface PullProgress {
  bytes: number
  of: number
}

/**
 * `unreachable`: the engine does not answer. `conflict`: the name is taken, or what was asked for is in use. `missing`: a thing the call needs is
 * not there. `overlap`: a network's range is taken.
 */
export type EngineFailure = 'unreachable' | 'conflict' | 'missing' | 'overlap' | 'failed'

export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly kind: EngineFailure

  constructor(kind: EngineFailure, message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

/**
 * A container engine. Every call has a deadline and rejects with `EngineError`. Stopping or removing what is already gone is not an error.
 * Filters by labels mean: has all of them.
 */
export interface Engine {
  info(): Promise<EngineInfo>
  hasImage(image: string): Promise<boolean>
  /** What its name leads to now; null when there is no such image. */
  imageId(image: string): Promise<string | null>
  /**
   * Fetches it from its registry, or asks there whether the one that is here is still shown. `missing`: the registry has none of that name, or does not show
   * it to who asks. Ends early by `signal`.
   */
  pullImage(image: string, login: ImageLogin | null, progress: (done: PullProgress) => void, signal: AbortSignal): Promise<void>
  /** `label`: only those that carry it, with whatever value. */
  listImages(label?: string): Promise<ImageSummary[]>
  /** By name or id. One that is used rejects as a conflict; already gone is not an error. */
  removeImage(image: string): Promise<void>

  createContainer(spec: ContainerSpec): Promise<string>
  startContainer(id: string): Promise<void>
  /** Sends SIGTERM, and SIGKILL after `graceSeconds`. */
  stopContainer(id: string, graceSeconds: number): Promise<void>
  killContainer(id: string): Promise<void>
  /** Its processes stand still and keep their memory. */
  pauseContainer(id: string): Promise<void>
  /** One that is not paused is not an error. */
  unpauseContainer(id: string): Promise<void>
  renameContainer(id: string, name: string): Promise<void>
  /** By force. */
  removeContainer(id: string): Promise<void>
  /** Null when it does not exist. By id or name. */
  inspectContainer(id: string): Promise<(ContainerState & ContainerSummary) | null>
  listContainers(labels: Labels): Promise<ContainerSummary[]>
  /** Resolves with the exit code when the container ends; null when that takes longer than `deadlineMs`. */
  waitForExit(id: string, deadlineMs: number): Promise<number | null>
  /** What it wrote to its standard streams at the end. */
  tailOutput(id: string, lines: number): Promise<string>
  /** Unpacks a tar archive below `path`, before or after the start. */
  putArchive(id: string, path: string, archive: Buffer | Readable): Promise<void>
  /** Folders on the engine's machine that hold what the container writes: its own layer and its volumes. None when it does not exist. */
  writtenFolders(id: string): Promise<string[]>
  /** Units: bytes that its programs hold now; null: it does not run. */
  usedMemory(id: string): Promise<number | null>
  /** Null when there is no such file. Small files only. */
  readFile(id: string, path: string): Promise<Buffer | null>

  /** `link`: what the network is called among the machine's interfaces, where it has one there. */
  createNetwork(input: { name: string; subnet: string; labels: Labels; link: string }): Promise<void>
  listNetworks(): Promise<Network[]>
  removeNetwork(id: string): Promise<void>

  /** An existing one is found. */
  createVolume(name: string, labels: Labels): Promise<void>
  findVolume(name: string): Promise<Volume | null>
  listVolumes(labels: Labels): Promise<Volume[]>
  removeVolume(name: string): Promise<void>
}
