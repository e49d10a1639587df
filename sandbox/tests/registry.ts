import { createHash } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

const digestOf = (content: Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`
const types = 'application/vnd.docker'
const manifestType = `${types}.distribution.manifest.v2+json`
const configType = `${types}.container.image.v1+json`
const layerType = `${types}.image.rootfs.diff.tar.gzip`

/** A registry on 127.0.0.1, which Docker asks without TLS; it has what `publish` gave it and is read only. */
export class Registry implements AsyncDisposable {
  private readonly blobs = new Map<string, Buffer>()
  private readonly manifests = new Map<string, Buffer>()
  private readonly server = createServer((request, response) => {
    if (this.login !== null && request.headers.authorization !== `Basic ${Buffer.from(this.login).toString('base64')}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="tests"', 'content-type': 'application/json' })
      return void response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
    }
    this.answer(request.url ?? '/', request.method === 'HEAD', response)
  })
  /** Manifests that were asked for, by who may. */
  asked = 0
  /** `user:password` of whom alone it shows anything; null: of everybody. */
  login: string | null = null

  static async open(): Promise<Registry> {
    const registry = new Registry()
    await new Promise<void>((resolve) => registry.server.listen(0, '127.0.0.1', resolve))
    return registry
  }

  /** The full name of an image in it, there or not. */
  nameOf(image: string): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}/${image}`
  }

  /** An image of one layer. */
  publish(name: string, tag: string, layer: Buffer, config: object = {}): void {
    const packed = gzipSync(layer, { level: 1 })
    const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] }
    // No other registry's image is the same.
    const author = this.nameOf(`${name} ${Date.now()}`)
    const described = Buffer.from(
      JSON.stringify({ author, architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux', config, rootfs }),
    )
    const part = (mediaType: string, content: Buffer) => ({ mediaType, size: content.length, digest: this.keep(content) })
    const manifest = { schemaVersion: 2, mediaType: manifestType, config: part(configType, described), layers: [part(layerType, packed)] }
    this.manifests.set(`/v2/${name}/manifests/${tag}`, Buffer.from(JSON.stringify(manifest)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private keep(content: Buffer): string {
    const digest = digestOf(content)
    this.blobs.set(digest, content)
    return digest
  }

  private answer(path: string, head: boolean, response: ServerResponse): void {
    if (path === '/v2/') return void response.end('{}')
    if (path.includes('/manifests/')) this.asked++
    const wanted = path.slice(path.lastIndexOf('/') + 1)
    const manifest = this.manifests.get(path) ?? [...this.manifests.values()].find((one) => digestOf(one) === wanted)
    const content = manifest ?? this.blobs.get(wanted)
    if (content === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' })
      return void response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
    }
    const type = manifest === undefined ? 'application/octet-stream' : manifestType
    response.writeHead(200, { 'content-type': type, 'content-length': content.length, 'docker-content-digest': digestOf(content) })
    response.end(head ? undefined : content)
  }
}
