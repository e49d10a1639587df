import { type Aspect, aspects, type Mark } from './aspects.ts'
import { messagesClient } from './client-anthropic.ts'
import { generateClient } from './client-google.ts'
import { chatClient, responsesClient } from './client-openai.ts'
import { Front } from './front.ts'
import { plainScript } from './script.ts'
import { candidateOf, type Target, targets } from './targets.ts'
import { Vendors } from './vendors.ts'
import { type Client, type Round, refusedOf } from './wanted.ts'

/** A picture of one dot. */
export const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

const dialects = [
  { name: 'chat', title: 'OpenAI’s Chat Completions', open: chatClient },
  { name: 'responses', title: 'OpenAI’s Responses', open: responsesClient },
  { name: 'messages', title: 'Anthropic’s Messages', open: messagesClient },
  { name: 'generate', title: 'Google’s generateContent', open: generateClient },
] as const

const signs: Readonly<Record<Mark, string>> = { carried: '●', approximated: '◐', refused: '✕', left: '○', none: '' }

async function roundOf(client: Client, aspect: Aspect, vendors: Vendors): Promise<Round[]> {
  if (aspect.before === undefined) return []
  vendors.script = aspect.before.script
  const first = await client.ask(aspect.wanted, false)
  return [{ turn: first.turn, results: aspect.before.results(first.calls) }]
}

async function markOf(client: Client, aspect: Aspect, target: Target, vendors: Vendors, front: Front): Promise<Mark> {
  if (!aspect.dialects.includes(client.name)) return 'none'
  const model = aspect.sampling && target.model === 'gpt-5.1' ? 'gpt-4.1' : target.model
  front.candidate = candidateOf({ ...target, model }, vendors.url)
  vendors.seen.length = 0
  try {
    const rounds = await roundOf(client, aspect, vendors)
    vendors.script = aspect.script ?? plainScript
    const got = await client.ask({ ...aspect.wanted, rounds }, aspect.streamed === true)
    return aspect.judge({ got, seen: vendors.last, client: client.name, target })
  } catch (error) {
    const { status, message } = refusedOf(error)
    if (aspect.judgeError !== undefined) return aspect.judgeError(status, message)
    if (status === 400) return 'refused'
    throw new Error(`${client.name} to ${target.name}, ${aspect.name}: ${status} ${message}`, { cause: error })
  }
}

/** Asks everything of every pair, and says in Markdown what came of it. */
export async function conformanceTables(): Promise<string> {
  await using vendors = await Vendors.open()
  await using front = await Front.open(async () => ({ mediaType: 'image/png', data: Buffer.from(dot, 'base64') }))
  const sections: string[] = []
  for (const { name, title, open } of dialects) {
    const client = open(front.url, front.key)
    const others = targets.filter(({ speaks }) => !(speaks as readonly string[]).includes(name))
    const rows: string[] = []
    for (const aspect of aspects) {
      const marks: Mark[] = []
      for (const target of others) marks.push(await markOf(client, aspect, target, vendors, front))
      if (marks.some((mark) => mark !== 'none')) rows.push(`| ${aspect.name} | ${marks.map((mark) => signs[mark]).join(' | ')} |`)
    }
    const head = `| | ${others.map((target) => target.name).join(' | ')} |\n|---|${others.map(() => ':-:|').join('')}`
    sections.push(`### In: ${title}\n\n${head}\n${rows.join('\n')}\n`)
  }
  return sections.join('\n')
}
