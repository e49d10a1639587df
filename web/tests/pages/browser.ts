import AxeBuilder from '@axe-core/playwright'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const quiet = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function openBrowser(): Promise<Browser> {
  // Containers and CI run as root, where Chromium's own sandbox cannot start.
  return chromium.launch({ executablePath: process.env.HELIX_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', ...quiet] })
}

/** A person begins when the page looks finished; a machine clicks before its script runs. */
function awaitScript(page: Page): void {
  const { goto, reload } = { goto: page.goto.bind(page), reload: page.reload.bind(page) }
  const heard = () => page.locator('html[data-script]').waitFor({ state: 'attached' })
  page.goto = async (url, options) => {
    const response = await goto(url, options)
    if (await page.locator('body[data-sveltekit-preload-data]').count()) await heard()
    return response
  }
  page.reload = async (options) => {
    const response = await reload(options)
    await heard()
    return response
  }
}

/** A page whose errors are collected: a test ends with none. */
export async function openPage(context: BrowserContext): Promise<{ page: Page; errors: string[] }> {
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  awaitScript(page)
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // A refused request is what several tests are about; the browser reports it by itself.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text())
  })
  return { page, errors }
}

/** What axe finds of weight on the page, one line each. There are no frames of other origins, which the other mode opens a page of its own for. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${page.url()} ${id}: ${nodes[0]?.html.slice(0, 120)}`)
}
