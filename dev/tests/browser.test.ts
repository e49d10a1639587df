import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chromiumPath } from '../config.ts'
import { signInLink } from '../stack/administrator.ts'
import { openScratch, type Scratch } from '../stack/scratch.ts'

let scratch: Scratch
let browser: Browser
beforeAll(async () => {
  // As root Chromium's own sandbox cannot start.
  browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] })
  scratch = await openScratch(console.log)
})
afterAll(async () => {
  await browser?.close()
  await scratch?.[Symbol.asyncDispose]()
})

/** Selects words on the page with the mouse. */
async function select(page: Page, words: string): Promise<void> {
  const box = await page.getByRole('region').getByText(words, { exact: true }).boundingBox()
  if (box === null) throw new Error(`"${words}" is not on the page`)
  await page.mouse.move(box.x + 1, box.y + box.height / 2)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width - 1, box.y + box.height / 2, { steps: 5 })
  await page.mouse.up()
}

/** What was on the page when something was not found is worth more than where in the test it was. */
async function withPicture(page: Page, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const path = join(tmpdir(), `helix-browser-${Date.now()}.png`)
    await page.screenshot({ path })
    throw new Error(`the page as it was: ${path}`, { cause: error })
  }
}

test('a person signs in, makes a project and a task, sends the spec back, approves it and the code, and finds it merged', async () => {
  await using context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  await withPicture(page, () => wholeJob(page))
  expect(errors).toEqual([])
  const [repository] = globSync(join(scratch.stack.config.dataDir, 'git/*/*.git'))
  const log = execFileSync('git', ['-C', repository ?? '', 'log', '--format=%s', 'main'], { encoding: 'utf8' })
  expect(log.split('\n').filter((subject) => subject.startsWith('Merge #1'))).toHaveLength(1)
})

async function wholeJob(page: Page): Promise<void> {
  const button = (name: string | RegExp) => page.getByRole('button', { name })
  const link = (name: string | RegExp) => page.getByRole('link', { name })
  await page.goto((await signInLink(scratch.stack)).replace('localhost', '127.0.0.1'))
  await page.waitForURL(/\/welcome$/)
  await page.goto(`${scratch.stack.url}/projects/new`)
  await page.getByLabel('Name').fill('Whole job')
  await button('Create project').click()
  await page.waitForURL(/\/projects\/prj_/)
  await page.keyboard.press('c')
  await page.getByLabel('What do you want?').fill('Add a slugify function\n\nCover it with tests.')
  await page.getByLabel('What do you want?').press('Control+Enter')

  await page.getByText('The spec is pushed and waits for its review.').waitFor()
  await link('Review spec').click()
  await page.getByRole('heading', { name: 'Acceptance criteria' }).waitFor()
  await select(page, 'What was asked')
  await page.keyboard.press('c')
  await page.getByLabel('Your comment').fill('Say it in one line.')
  await page.keyboard.press('Control+Enter')
  await page.locator('mark').waitFor()
  await button('Request changes').click()
  await page.getByRole('dialog').getByRole('textbox').fill('See my comment.')
  await page.getByRole('dialog').getByRole('button', { name: 'Send' }).click()

  await page.getByText('Recording the review in the requirements.').waitFor()
  await link('Review spec').click()
  await page.getByRole('heading', { name: /^Changes after review/ }).waitFor()
  await button(/^Approve revision 2/).click()
  await page.getByText('The change is tested and pushed; it waits for its review.').waitFor()
  await link('Changes').click()
  await page.getByText('test/add-a-slugify-function.test.js').first().waitFor()
  await button(/^Approve and merge/).click()
  await page.getByText('Merged', { exact: true }).first().waitFor()
  await link('Timeline').click()
  await page.getByText('merge done').waitFor()

  await link('Repositories').click()
  await link('whole-job').click()
  await link('src').click()
  await link('add-a-slugify-function.js').click()
  await page.getByText('export function slugify').first().waitFor()
}
