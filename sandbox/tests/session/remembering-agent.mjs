#!/usr/local/bin/node
// An agent that speaks just enough ACP, runs what it is told as a shell command, and remembers its conversation in files and a database of its own.
import { execSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'

const { GOOSE_PATH_ROOT: root, OPENAI_API_KEY: token } = process.env
const file = join(root, 'conversation')
const write = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
let database
const open = () => {
  database = new DatabaseSync(join(root, 'sessions.db'))
  database.exec('pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table if not exists said (text text)')
}

function begin() {
  writeFileSync(file, 'begun\n')
  mkdirSync(join(root, 'config'), { recursive: true })
  writeFileSync(join(root, 'config', 'secrets.yaml'), `key: ${token}\n`)
  open()
  return { sessionId: 'conversation-1' }
}

function load({ sessionId }) {
  if (sessionId !== 'conversation-1' || !existsSync(file)) throw new Error('no such conversation')
  open()
  return {}
}

function prompt(id, { sessionId, prompt: parts }) {
  const text = parts.map((part) => part.text ?? '').join('')
  const earlier = readFileSync(file, 'utf8').trim().split('\n').length - 1
  const told = database.prepare('select count(*) as count from said').get().count
  appendFileSync(file, `${JSON.stringify(`${text} with ${token}`)}\n`)
  database.prepare('insert into said values (?)').run(`${text} with ${token}`)
  const say = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: `remembers ${earlier}, database ${told}` } }
  write({ method: 'session/update', params: { sessionId, update: say } })
  const command = /^run: (.*)$/m.exec(text)?.[1]
  if (command !== undefined) execSync(command, { stdio: 'ignore', cwd: join(root, '..', '..', 'sample') })
  if (!text.includes('hang')) write({ id, result: { stopReason: 'end_turn' } })
}

const answers = {
  initialize: () => ({ protocolVersion: 1, agentCapabilities: { loadSession: true }, authMethods: [] }),
  'session/new': begin,
  'session/load': load,
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  try {
    if (method === 'session/prompt') prompt(id, params)
    else if (answers[method] !== undefined) write({ id, result: answers[method](params) })
    else if (id !== undefined) write({ id, error: { code: -32601, message: `no ${method}` } })
  } catch (error) {
    write({ id, error: { code: -32000, message: String(error) } })
  }
})
