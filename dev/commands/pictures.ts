import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createLabel } from '@helix/contract/labels'
import { invitePeople } from '@helix/contract/organisations'
import { updateProject } from '@helix/contract/projects'
import { createComment, createSpecLink, getSpec } from '@helix/contract/reviews'
import { createTask, getTask, type Task } from '@helix/contract/tasks'
import { everyPlace, furnish, type Place, type Shown, sizes, strangersPlaces, themes } from '@helix/web/tests/pages/every-page.ts'
import { type Browser, chromium } from 'playwright-core'
import { chromiumPath, root } from '../config.ts'
import { fail, say, step } from '../setup/progress.mjs'
import { signInLink } from '../stack/administrator.ts'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { createAndStart, driveToMerged, openProject } from '../stack/story.ts'

const folder = join(root, 'docs/pictures')
const wanted = ['Show the price with tax on the product page', 'Fix the slow search', 'Export orders as CSV', 'Rename the basket to cart']
const later = [
  'Write down how returns work',
  'Speed up the build',
  'A very long title that goes on and on so that it wraps over several lines of the card and still has to be readable by people in a hurry',
]

/** A comment on the spec that waits, and a public link to it. */
async function comment(call: Scratch['call'], { id, projectId }: Task): Promise<{ url: string }> {
  const params = { taskId: id }
  for (;;) {
    const { revision, documents } = await call(getSpec, { params })
    if (revision === null) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      continue
    }
    const quote = 'the system shall pass all of them'
    const offset = documents.requirements?.indexOf(quote) ?? -1
    const anchor = offset === -1 ? null : { document: 'requirements' as const, quote, offset }
    await call(createComment, { params, body: { revisionId: revision.id, anchor, body: 'Also on Windows?' } })
    await call(updateProject, { params: { projectId }, body: { publicLinks: true } })
    return call(createSpecLink, { params, body: {} })
  }
}

/** A shop with people and tasks in every state that the demo script reaches. */
async function seed({ call }: Scratch): Promise<Shown> {
  const project = await openProject(call, 'web-shop', null)
  const params = { projectId: project.id }
  const [bug, feature] = await Promise.all([
    call(createLabel, { params, body: { name: 'bug', colour: 'red' } }),
    call(createLabel, { params, body: { name: 'feature', colour: 'blue' } }),
  ])
  const furniture = await furnish(call, project.id)
  await call(invitePeople, { body: { emails: ['ada@example.com', 'grace@example.com'], role: 'reviewer' } })
  const made = []
  for (const name of wanted) made.push(await createAndStart(call, project, { name, prompt: `${name}\n\nCover it with tests.` }, name))
  const [first, waiting] = made
  if (first === undefined || waiting === undefined) throw new Error('no task')
  await driveToMerged(call, first.id, 120_000, () => {})
  for (const [index, prompt] of later.entries())
    await call(createTask, {
      params,
      body: {
        prompt,
        start: false,
        priority: index === 0 ? 'urgent' : 'normal',
        labelIds: [(index === 1 ? bug : feature).id],
        dependsOnIds: index === 1 ? [first.id] : [],
      },
    })
  const link = await comment(call, waiting)
  const { sessionId: taskSessionId } = await call(getTask, { params: { taskId: waiting.id } })
  const ids = { projectId: project.id, taskId: first.id, reviewId: waiting.id, repositoryId: project.repositories[0]?.id ?? '' }
  return { ...ids, taskSessionId: taskSessionId ?? '', ...furniture, linkPath: new URL(link.url).pathname }
}

async function take(browser: Browser, scratch: Scratch, shown: Shown): Promise<number> {
  let count = 0
  for (const theme of themes)
    for (const [size, viewport] of Object.entries(sizes)) {
      const context = await browser.newContext({ viewport, reducedMotion: 'reduce' })
      await context.addCookies([{ name: 'helix-theme', value: theme, url: scratch.stack.url }])
      const page = await context.newPage()
      const shoot = async (places: Place[]): Promise<void> => {
        for (const place of places) {
          await page.goto(`${scratch.stack.url}${place.path}`)
          await place.open?.(page)
          // Lists and fonts settle.
          await page.waitForTimeout(400)
          await page.screenshot({ path: join(folder, `${place.name}-${theme}-${size}.png`) })
          count += 1
        }
      }
      await shoot(strangersPlaces(shown))
      const link = new URL(await signInLink(scratch.stack))
      await page.goto(`${scratch.stack.url}${link.pathname}${link.search}`)
      await page.waitForURL(/\/(projects|welcome)$/)
      await shoot(everyPlace(shown))
      await context.close()
    }
  return count
}

try {
  await using scratch = await step('Installation', () => openScratch(say))
  const shown = await step('Tasks', () => seed(scratch))
  mkdirSync(folder, { recursive: true })
  // Plots of benchmarks stay.
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.png'))) rmSync(join(folder, name))
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const count = await step('Pictures', () => take(browser, scratch, shown))
    say(`${count} pictures in docs/pictures`)
  } finally {
    await browser.close()
  }
} catch (error) {
  fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
process.exit(0)
