import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listProviders } from '@helix/contract/providers'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessibilityFaults, openBrowser, openPage } from './browser.ts'
import { type Installation, openInstallation } from './installation.ts'
import { openPerson } from './person.ts'

let installation: Installation
let browser: Browser
let context: BrowserContext
let provider: Server
let address: string
const key = 'sk-of-this-test-1234567'

/** Lists two models, and answers word by word who has the key. */
function answer(): Server {
  return createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      if (request.headers.authorization !== `Bearer ${key}`) return response.writeHead(401).end('{"error":{"message":"no such key"}}')
      if (request.url?.endsWith('/models')) return response.end(JSON.stringify({ data: [{ id: 'gpt-5-mini' }, { id: 'own-model' }] }))
      if ((JSON.parse(text) as { stream?: boolean }).stream !== true) {
        response.setHeader('content-type', 'application/json')
        return response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'ok' } }] }))
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const content of ['Forty', '-two'])
        response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`)
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`)
      response.end(`data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 1000, completion_tokens: 500 } })}\n\ndata: [DONE]\n\n`)
    })
  })
}

beforeAll(async () => {
  provider = answer()
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`
  installation = await openInstallation()
  browser = await openBrowser()
  context = await openPerson(installation, browser)
})
afterAll(async () => {
  await browser?.close()
  await installation?.[Symbol.asyncDispose]()
  provider?.closeAllConnections()
  provider?.close()
})

test('an administrator adds a provider, is told of a wrong key, puts it right and sets a price', async () => {
  const { page, errors } = await openPage(context)
  await page.goto(`${installation.url}/settings/providers`)
  await page.getByRole('button', { name: 'Add provider' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Kind').selectOption({ label: 'OpenAI-compatible server' })
  await dialog.getByLabel('Name').fill('House models')
  await dialog.getByLabel('Address').fill(address)
  await dialog.getByLabel('Key', { exact: true }).fill('sk-a-wrong-one-12345')
  await dialog.getByRole('button', { name: 'Save and test' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('House models refuses the key.').waitFor()
  await page.getByRole('button', { name: 'More actions: House models' }).click()
  await page.getByRole('menuitem', { name: 'Edit' }).click()
  await dialog.getByLabel('Key 1: New value').fill(key)
  await dialog.getByRole('button', { name: 'Save and test' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('asked for gpt-5-mini').waitFor()
  expect(await page.content()).not.toContain(key)
  await page.getByRole('button', { name: 'Models and prices: House models' }).click()
  await page.getByRole('button', { name: 'Set price: own-model' }).click()
  await dialog.getByLabel('Input', { exact: true }).fill('2')
  await dialog.getByLabel('Output', { exact: true }).fill('4')
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('$2 in, $4 out').waitFor()
  const { items } = await installation.call(listProviders, {})
  expect(items[0]).toMatchObject({ name: 'House models', check: { ok: true }, keys: [{ hint: '4567' }] })
  expect(await accessibilityFaults(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

test('a person asks a model in the playground, sees what it cost, and finds it in the usage', async () => {
  const { page, errors } = await openPage(context)
  await page.goto(`${installation.url}/playground`)
  await page.getByLabel('Model', { exact: true }).selectOption('own-model')
  await page.getByLabel('Message').fill('What is the answer?')
  await page.keyboard.press('Control+Enter')
  await page.getByText('Forty-two').first().waitFor()
  await page.getByText('1,000 tokens in, 500 out').waitFor()
  await page.getByText('cost $0.004').waitFor()
  await page.getByText('Request', { exact: true }).click()
  await page.getByText('"model": "own-model"').waitFor()
  await expect
    .poll(
      async () => {
        await page.goto(`${installation.url}/usage`)
        return page
          .getByRole('row', { name: /own-model/ })
          .textContent({ timeout: 2000 })
          .catch(() => '')
      },
      { timeout: 20_000 },
    )
    .toContain('$0.004')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export CSV' }).click()
  expect((await download).suggestedFilename()).toMatch(/^usage-model-.*\.csv$/)
  await page.getByRole('combobox', { name: 'By' }).selectOption('person')
  await page.getByRole('row', { name: /Administrator/ }).waitFor()
  expect(page.url()).toContain('by=person')
  expect(errors).toEqual([])
  await page.close()
})

test('a model that no provider has is refused in words', async () => {
  const { page } = await openPage(context)
  await page.goto(`${installation.url}/settings/providers`)
  await page.getByLabel('Allowed models').fill('gpt-*')
  await page.getByRole('button', { name: 'Save rules' }).click()
  await page.getByText('Calls from now on go by these rules.').waitFor()
  await page.goto(`${installation.url}/playground`)
  await page.getByLabel('Model', { exact: true }).selectOption('other')
  await page.getByLabel('Another model').fill('own-model')
  await page.getByLabel('Message').fill('Hello')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByRole('alert').getByText('The model did not answer').waitFor()
  expect(await page.getByLabel('Message').inputValue()).toBe('Hello')
  await page.close()
})
