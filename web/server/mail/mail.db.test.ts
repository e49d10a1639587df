import { listMail, retryMail } from '@helix/contract/mail'
import { getSystem } from '@helix/contract/system'
import { pino } from 'pino'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { MailRelay } from './relay.ts'
import { enqueueMail } from './store.ts'

interface Received {
  to: string[]
  raw: string
}

/** A real SMTP server on a port of its own. `refuse`: what it answers to a recipient. */
async function openSmtp(port = 0): Promise<AsyncDisposable & { port: number; received: Received[]; refuse: { code: number | null } }> {
  const received: Received[] = []
  const refuse: { code: number | null } = { code: null }
  const server = new SMTPServer({
    authOptional: true,
    closeTimeout: 200,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, done) =>
      refuse.code === null ? done() : done(Object.assign(new Error('not here'), { responseCode: refuse.code })),
    onData: (stream, session, done) => {
      let raw = ''
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        raw += chunk
      })
      stream.on('end', () => {
        received.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  const dispose = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { port: (server.server.address() as { port: number }).port, received, refuse, [Symbol.asyncDispose]: dispose }
}

let server: TestServer
let person: Person
const log = pino({ level: 'silent' })
const relayTo = (port: number | null): MailRelay =>
  new MailRelay({
    db: server.context.db,
    log,
    config: {
      ...server.context.config,
      MAIL_FROM: 'Helix <helix@example.org>',
      ...(port === null ? {} : { SMTP_URL: `smtp://127.0.0.1:${port}` }),
    },
  })
const line = (subject: string, to = 'ada@example.com', text = 'Hello') =>
  enqueueMail(server.context.db, { orgId: person.orgId, to, subject, text })
const dueNow = () =>
  server.context
    .db('mail_outbox')
    .where({ state: 'waiting' })
    .update({ due_at: new Date(Date.now() - 1000) })
const headerOf = (raw: string, name: string): string =>
  new RegExp(`^${name}: (.*(?:\r\n[ \t].*)*)`, 'im').exec(raw)?.[1]?.replace(/\r\n[ \t]/g, ' ') ?? ''

beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  await server.context.db('mail_outbox').delete()
  person = await server.addPerson()
})

test('mail is sent once, in plain text and html, with a Message-ID that stays', async () => {
  await using smtp = await openSmtp()
  await using relay = relayTo(smtp.port)
  await line('A subject', 'ada@example.com', 'Read <this>\n\nhttps://helix.example/a?b=1&c=2')
  await relay.sweep()
  await relay.sweep()
  expect(smtp.received).toHaveLength(1)
  const { to, raw } = smtp.received[0] as Received
  expect(to).toEqual(['ada@example.com'])
  const row = await server.context.db('mail_outbox').first()
  expect(headerOf(raw, 'Message-ID')).toBe(`<${row.id}@example.org>`)
  expect(headerOf(raw, 'From')).toBe('Helix <helix@example.org>')
  expect(raw).toContain('Read &#60;this&#62;')
  expect(raw).toContain('multipart/alternative')
  expect(row).toMatchObject({ state: 'sent', attempts: 1, last_error: null })
})

test('while the server is down mail waits with the reason and the administrator is told; when it is up all goes out in order', async () => {
  const { port } = await openSmtp().then(async (smtp) => {
    await smtp[Symbol.asyncDispose]()
    return smtp
  })
  await using relay = relayTo(port)
  for (const subject of ['first', 'second', 'third']) await line(subject)
  await relay.sweep()
  const rows = await server.context.db('mail_outbox').orderBy('id')
  expect(rows.map(({ state, attempts }) => [state, attempts])).toEqual([
    ['waiting', 1],
    ['waiting', 0],
    ['waiting', 0],
  ])
  const { problems } = await person.call(getSystem, {})
  expect(problems.join(' ')).toMatch(/3 mails wait.*ECONNREFUSED/)
  const ready = (await (await fetch(`${server.url}/readyz`)).json()) as { ok: boolean; mail: { ok: boolean } }
  expect([ready.ok, ready.mail.ok]).toEqual([true, false])
  expect(await person.call(listMail, {})).toMatchObject({ waiting: 3, problem: expect.stringMatching(/ECONNREFUSED/) })
  await using smtp = await openSmtp(port)
  await dueNow()
  await relay.sweep()
  expect(smtp.received.map(({ raw }) => headerOf(raw, 'Subject'))).toEqual(['first', 'second', 'third'])
  expect((await person.call(getSystem, {})).problems.join(' ')).not.toMatch(/mail/i)
})

test('the delay grows with each try', async () => {
  await using relay = relayTo(1)
  await line('waits')
  const delays: number[] = []
  for (let attempt = 0; attempt < 4; attempt++) {
    await dueNow()
    await relay.sweep()
    const row = await server.context.db('mail_outbox').first()
    delays.push(Math.round((row.due_at.getTime() - Date.now()) / 1000))
  }
  expect(delays).toEqual([5, 10, 20, 40])
})

test('a recipient that the server refuses for good fails alone and can be tried again by hand', async () => {
  await using smtp = await openSmtp()
  await using relay = relayTo(smtp.port)
  smtp.refuse.code = 550
  await line('refused')
  await relay.sweep()
  const [mail] = (await person.call(listMail, {})).items
  expect(mail).toMatchObject({ state: 'failed', lastError: expect.stringMatching(/550/) })
  smtp.refuse.code = null
  await person.call(retryMail, { params: { mailId: mail?.id as never } })
  await relay.sweep()
  expect(smtp.received).toHaveLength(1)
  await expect(person.call(retryMail, { params: { mailId: mail?.id as never } })).rejects.toMatchObject({ code: 'conflict' })
})

test('one that is refused for now does not hold up the others', async () => {
  await using smtp = await openSmtp()
  await using relay = relayTo(smtp.port)
  smtp.refuse.code = 451
  await line('later')
  await relay.sweep()
  smtp.refuse.code = null
  await line('now')
  await relay.sweep()
  expect(smtp.received.map(({ raw }) => headerOf(raw, 'Subject'))).toEqual(['now'])
  expect(await server.context.db('mail_outbox').where({ state: 'waiting' }).first()).toMatchObject({ subject: 'later', attempts: 1 })
})

test('two relays send each mail once', async () => {
  await using smtp = await openSmtp()
  await using one = relayTo(smtp.port)
  await using other = relayTo(smtp.port)
  for (let count = 0; count < 40; count++) await line(`mail ${count}`)
  await Promise.all([one.sweep(), other.sweep()])
  expect(new Set(smtp.received.map(({ raw }) => headerOf(raw, 'Message-ID'))).size).toBe(40)
  expect(smtp.received).toHaveLength(40)
})

test('no header and no second recipient can be smuggled in', async () => {
  await using smtp = await openSmtp()
  await using relay = relayTo(smtp.port)
  await line('Hi\r\nBcc: eve@example.com\r\n\r\nbody')
  await server.context.db('mail_outbox').update({ subject: 'Hi\r\nBcc: eve@example.com\u2028X: y' })
  for (const to of [
    'a@example.com, eve@example.com',
    'a@example.com\r\nRCPT TO:<eve@example.com>',
    'Eve <eve@example.com>',
    'a@b"c',
    'nobody',
  ])
    await line('to', to)
  await relay.sweep()
  expect(smtp.received).toHaveLength(1)
  expect(smtp.received[0]?.to).toEqual(['ada@example.com'])
  expect(headerOf(smtp.received[0]?.raw ?? '', 'Bcc')).toBe('')
  expect(headerOf(smtp.received[0]?.raw ?? '', 'Subject')).toContain('Hi Bcc: eve@example.com')
  expect(await server.context.db('mail_outbox').where({ state: 'failed' })).toHaveLength(5)
})

test('without a server mail goes to the log, which owners read and which keeps the last 200', async () => {
  await using relay = relayTo(null)
  for (let count = 0; count < 205; count++) await line(`mail ${count}`, 'ada@example.com', 'https://helix.example/join')
  await relay.sweep()
  const shown = await person.call(listMail, {})
  expect(shown).toMatchObject({ sends: false, waiting: 0, problem: null })
  expect([shown.items.length, shown.items[0]?.subject, shown.items[0]?.text]).toEqual([200, 'mail 204', 'https://helix.example/join'])
  await server.context.db('memberships').where({ user_id: person.userId }).update({ role: 'admin' })
  expect((await person.call(listMail, {})).items[0]?.text).toBeNull()
  const stranger = await server.addPerson()
  expect((await stranger.call(listMail, {})).items).toEqual([])
})

test('mail of the installation is shown to the one organisation of its receiver, to none of two', async () => {
  const other = await server.addPerson()
  const { email } = await server.context.db('users').where({ id: person.userId }).first()
  await enqueueMail(server.context.db, { orgId: null, to: email, subject: 'Reset', text: 'link' })
  expect((await person.call(listMail, {})).items).toHaveLength(1)
  expect((await other.call(listMail, {})).items).toHaveLength(0)
  await server.context.db('memberships').insert({ org_id: other.orgId, user_id: person.userId, role: 'viewer' })
  expect((await person.call(listMail, {})).items).toHaveLength(0)
  expect((await other.call(listMail, {})).items).toHaveLength(0)
})

test('why the mail of others waits is not told to an organisation, but to the one that runs the installation', async () => {
  const { db } = server.context
  const other = await server.addPerson()
  await enqueueMail(db, { orgId: person.orgId, to: 'secret@example.com', subject: 'x', text: 'x' })
  await db('mail_outbox').update({ last_error: '450 <secret@example.com> is busy' })
  expect((await other.call(listMail, {})).problem).toBeNull()
  expect((await other.call(getSystem, {})).problems.join()).not.toMatch(/mail/i)
  expect((await person.call(listMail, {})).problem).toMatch(/busy/)
  const value = JSON.stringify({ userId: other.userId })
  await db('installation').insert({ key: 'administrator', value }).onConflict('key').merge({ value })
  expect((await other.call(getSystem, {})).problems.join()).toMatch(/1 mail waits.*busy/)
})
