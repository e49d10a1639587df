import { readFile } from 'node:fs/promises'
import type { ArchivedFile } from '../engine/archive.ts'
import { reasonOf } from '../reason.ts'

const path = '/etc/helix/ca.pem'
const systemBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem']

export interface Certificates {
  files: ArchivedFile[]
  env: Record<string, string>
}

/** Where this machine trusts an authority of its own, sessions trust it too: agents and git fail on TLS that it re-signs otherwise. */
export async function readCertificates(given: { bundle: string | undefined; extra: string | undefined }): Promise<Certificates> {
  if (given.bundle === undefined && given.extra === undefined) return { files: [], env: {} }
  const bundle = given.bundle === undefined ? await systemBundle() : await read('SSL_CERT_FILE', given.bundle)
  const extra = given.extra === undefined || given.extra === given.bundle ? '' : await read('NODE_EXTRA_CA_CERTS', given.extra)
  // The variables replace the container's own store, so that the file holds everything.
  return {
    files: [{ path: path.slice(1), content: `${bundle.trim()}\n${extra.trim()}\n`, mode: 0o444 }],
    env: { NODE_EXTRA_CA_CERTS: path, SSL_CERT_FILE: path, GIT_SSL_CAINFO: path, CURL_CA_BUNDLE: path },
  }
}

async function read(variable: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`${variable} names ${file}, which cannot be read: ${reasonOf(error)}`)
  }
}

async function systemBundle(): Promise<string> {
  for (const file of systemBundles) {
    const text = await readFile(file, 'utf8').catch(() => null)
    if (text !== null) return text
  }
  return ''
}
