/** A browser's cookies over fetch, for tests: what is set is sent again, and redirects are the test's to follow. */
export class TestBrowser {
  readonly cookies = new Map<string, string>()
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  async fetch(address: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(address, this.url)
    const headers = new Headers(init.headers)
    if (this.cookies.size > 0) headers.set('cookie', [...this.cookies].map((pair) => pair.join('=')).join('; '))
    headers.set('origin', this.url)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const one of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (one.split(';')[0] ?? '').split(/=(.*)/s)
      if (value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(one)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }

  async ask<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: T & { error?: { code: string; message: string } } }> {
    const init: RequestInit = { method, headers: { 'content-type': 'application/json' } }
    if (body !== undefined) init.body = JSON.stringify(body)
    const response = await this.fetch(path, init)
    return { status: response.status, body: (await response.json()) as never }
  }
}
