import type { HostId, SessionId } from '@helix/contract/ids'
import { expect, test } from 'vitest'
import { TicketMaker } from './testing-tickets.ts'
import { Tickets } from './tickets.ts'

const hostId = 'hst_01h455vb4pex5vsknk084sn02q' as HostId
const otherHost = 'hst_01h455vb4pex5vsknk084sn02r' as HostId
const sessionId = 'ses_01h455vb4pex5vsknk084sn02q' as SessionId
const otherSession = 'ses_01h455vb4pex5vsknk084sn02r' as SessionId
const maker = new TicketMaker()
const now = Date.now()

function open(keys = [maker.publicKey], since = now - 60_000): Tickets {
  const tickets = new Tickets(hostId, since)
  tickets.trust(keys)
  return tickets
}

test('a ticket says who comes and with which right, and opens once', () => {
  const tickets = open()
  const ticket = maker.make({ hostId, sessionId, name: 'Grace', right: 'view' })
  expect(tickets.take(ticket, sessionId)).toMatchObject({ name: 'Grace', right: 'view', sessionId })
  expect(tickets.take(ticket, sessionId)).toBe('The ticket was used before.')
})

test('tickets of others, of the past, and such that were changed open nothing', () => {
  const tickets = open()
  const said = (ticket: string, session = sessionId) => tickets.take(ticket, session)
  expect(said(maker.make({ hostId: otherHost, sessionId }))).toBe('The ticket is of another host.')
  expect(said(maker.make({ hostId, sessionId }), otherSession)).toBe('The ticket is of another session.')
  expect(said(maker.make({ hostId, sessionId, exp: Math.floor(now / 1000) - 6 }))).toBe('The ticket is over.')
  expect(said(new TicketMaker('one').make({ hostId, sessionId }))).toBe('This is no ticket of this installation.')
  expect(said(new TicketMaker('two').make({ hostId, sessionId }))).toBe('This is no ticket of this installation.')
  const [version, body = '', signature] = maker.make({ hostId, sessionId, right: 'view' }).split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  const raised = Buffer.from(JSON.stringify({ ...claims, right: 'control' })).toString('base64url')
  for (const bad of [
    `${version}.${raised}.${signature}`,
    `${version}.${body}.`,
    `${version}.${body}`,
    `v2.${body}.${signature}`,
    `${version}.${body}.${signature}.more`,
    '',
    'x'.repeat(100_000),
    '..',
    'v1.bnVsbA.',
    maker.sign(`v1.${Buffer.from('{}').toString('base64url')}`),
  ])
    expect(said(bad)).toBe('This is no ticket of this installation.')
})

test('after a start of the host no ticket from before opens, since it may have been used', () => {
  const ticket = maker.make({ hostId, sessionId, exp: Math.floor(now / 1000) + 20 })
  expect(open([maker.publicKey], now).take(ticket, sessionId)).toBe('The host was started anew since the ticket was made.')
})

test('every key that is trusted opens, and none that is not any more', () => {
  const next = new TicketMaker('two')
  const tickets = open([next.publicKey, maker.publicKey])
  expect(tickets.take(maker.make({ hostId, sessionId }), sessionId)).toMatchObject({ kid: 'one' })
  expect(tickets.take(next.make({ hostId, sessionId }), sessionId)).toMatchObject({ kid: 'two' })
  tickets.trust([next.publicKey])
  expect(tickets.take(maker.make({ hostId, sessionId }), sessionId)).toBe('This is no ticket of this installation.')
})
