import type { Page } from 'playwright-core'

/** Takes control by a click on the picture; the keyboard is the desktop's then. */
export async function takeControl(page: Page): Promise<void> {
  await page.locator('[data-picture]').click({ position: { x: 20, y: 20 } })
  await page.locator('[data-control]').getByText('You drive').waitFor()
  await page.locator('[data-picture] textarea:focus').waitFor({ state: 'attached' })
}
