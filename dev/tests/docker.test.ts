import { setTimeout as sleep } from 'node:timers/promises'
import type { ProjectId } from '@helix/contract/ids'
import { execCommand, listPorts } from '@helix/contract/machine-use'
import { updateProject } from '@helix/contract/projects'
import { createSession } from '@helix/contract/session-life'
import { getSession, type Session } from '@helix/contract/sessions'
import { listHosts } from '@helix/contract/system'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chromiumPath } from '../config.ts'
import { signInLink } from '../stack/administrator.ts'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { openProject } from '../stack/story.ts'

/** A web server that answers over HTTP and by a WebSocket that sends back what it hears. */
const server = `import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const web = createServer((request, response) => response.setHeader('content-type', 'text/html').end('<h1>Composed of ' + process.env.PART + '</h1>'))
web.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + magic).digest('base64')
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n')
  socket.on('data', (frame) => {
    const [mask, text] = [frame.subarray(2, 6), frame.subarray(6)]
    const heard = 'heard ' + text.map((byte, index) => byte ^ mask[index % 4]).toString()
    socket.write(Buffer.concat([Buffer.from([0x81, heard.length]), Buffer.from(heard)]))
  })
})
web.listen(8080, '0.0.0.0')
process.on('SIGTERM', () => process.exit(0))`

/** Made of what the session has: no registry is asked for anything. */
const startUp = `mkdir -p /tmp/shop && cd /tmp/shop
cat >server.mjs <<'END'
${server}
END
node=$(readlink -f /usr/local/bin/node)
tar -chf runtime.tar -C / "\${node#/}" $(ldd "$node" | grep -o '/[^ ]*' | cut -c2-)
cat >Dockerfile <<END
FROM scratch
ADD runtime.tar /
COPY server.mjs /server.mjs
CMD ["$node", "/server.mjs"]
END
docker build --tag shop . 2>&1
cat >compose.yaml <<END
services:
  web:
    image: shop
    environment: { PART: "web and worker" }
    ports: ["8080:8080"]
  worker:
    image: shop
    environment: { PART: worker }
    depends_on: [web]
    command: ["$node", "-e", "setInterval(() => fetch('http://web:8080').then((answer) => answer.text()).then(console.log, () => {}), 500)"]
END
docker compose up -d 2>&1`

let scratch: Scratch
let browser: Browser
let page: Page
let session: Session
let projectId: ProjectId
beforeAll(async () => {
  scratch = await openScratch(console.log)
  const project = await openProject(scratch.call, 'shop', null)
  await scratch.call(updateProject, { params: { projectId: project.id }, body: { startUpScript: startUp, startUpSeconds: 300 } })
  projectId = project.id
  session = await openSession()
  // As root Chromium's own sandbox cannot start.
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] })
  page = await browser.newPage()
  page.setDefaultTimeout(60_000)
  await page.goto(await signInLink(scratch.stack))
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'))
})
afterAll(async () => {
  await browser?.close()
  await scratch?.[Symbol.asyncDispose]()
})

const run = (command: string, { id: sessionId } = session) => scratch.call(execCommand, { params: { sessionId }, body: { command } })

async function openSession(): Promise<Session> {
  const { id: sessionId } = await scratch.call(createSession, { params: { projectId }, body: { title: 'With Docker' } })
  for (;;) {
    const now = await scratch.call(getSession, { params: { sessionId } })
    if (now.state === 'idle') return now
    if (now.state === 'stopped') throw new Error(`the session stopped: ${now.reason}`)
    await sleep(200)
  }
}

test('a start-up script builds an image and brings up what the compose file says, before the first prompt', async () => {
  const listed = await run(
    'docker compose --project-directory /tmp/shop ps --format "{{.Service}} {{.State}}" | sort; docker compose ls -q',
  )
  expect(listed).toMatchObject({ exitCode: 0, stdout: 'web running\nworker running\nshop\n' })
})

test('a service finds another one by its name', async () => {
  const heard = 'docker compose --project-directory /tmp/shop logs worker | grep -q "Composed of web"'
  expect(await run(`for i in $(seq 50); do ${heard} && exit 0; sleep 0.2; done; exit 1`)).toMatchObject({ exitCode: 0 })
})

test('the agent builds with Docker and with buildx, finds the layers of the start-up script, and is warned of nothing', async () => {
  const built = await run(
    'cd /tmp/shop && docker build --tag again . && docker buildx build --tag third . && docker image inspect --format {{.Id}} shop again third | uniq | wc -l',
  )
  expect(built).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/(^|\n)1\n$/) })
  expect(built.stdout + built.stderr).not.toMatch(/deprecated|warning/i)
})

test('a port of a service is previewed in the browser, its WebSocket too', async () => {
  await page.goto(`${scratch.stack.config.frontendUrl}/sessions/${session.id}?tab=workspace`)
  const link = page.getByRole('link', { name: 'Open preview' }).first()
  const [opened] = await Promise.all([page.context().waitForEvent('page'), link.click()])
  await opened.getByRole('heading', { name: 'Composed of web and worker' }).waitFor()
  const { items } = await scratch.call(listPorts, { params: { sessionId: session.id } })
  expect(items.find(({ port }) => port === 8080)?.url).toContain(new URL(opened.url()).host)
  const answer = await opened.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://${location.host}/live`)
        socket.onopen = () => socket.send('an order')
        socket.onmessage = ({ data }) => resolve(data)
        socket.onerror = () => reject(new Error('no WebSocket'))
      }),
  )
  expect(answer).toBe('heard an order')
})

test('the next session of the project has the image that the first one built, and services of its own', async ({ skip }) => {
  const { items } = await scratch.call(listHosts, {})
  const rung = items[0]?.rung ?? 'plain'
  if (!['gvisor', 'userns'].includes(rung)) return skip(`on the rung ${rung} nothing is kept`)
  const other = await openSession()
  // Built anew it would have another time in it, and with that another name.
  const image = 'docker image inspect --format {{.Id}} shop; docker compose ls -q'
  expect((await run(image, other)).stdout).toBe((await run(image)).stdout)
})
