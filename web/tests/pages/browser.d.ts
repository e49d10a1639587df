import { type Browser, type BrowserContext, type Page } from 'playwright-core'
export declare function openBrowser(): Promise<Browser>
/** A page whose errors are collected: a test ends with none. */
export declare function openPage(context: BrowserContext): Promise<{
  page: Page
  errors: string[]
}>
/** What axe finds of weight on the page, one line each. */
export declare function accessibilityFaults(page: Page): Promise<string[]>
