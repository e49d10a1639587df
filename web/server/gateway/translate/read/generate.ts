import { type GenerateRequest, generateRequest } from '@helix/contract/dialects/generate'
import { type Effort, emptyQuestion, type Question, type Thinking } from '../question.ts'
import { readContents } from './generate-contents.ts'
import { withCamelNames } from './generate-names.ts'
import { jsonSchemaOf } from './google-schema.ts'
import { HostedTools } from './hosted.ts'
import { checkPairs } from './pairing.ts'
import { given, parseBody, refuse } from './parse.ts'
import { ToolNames } from './tools.ts'
import { Turns } from './turns.ts'

type Generation = NonNullable<GenerateRequest['generationConfig']>

const levels: Readonly<Record<string, Effort>> = { minimal: 'minimal', low: 'low', medium: 'medium', high: 'high' }

function refuseForeign(body: GenerateRequest, config: Generation): void {
  if ((config.candidateCount ?? 1) > 1) refuse('generationConfig.candidateCount', 'this provider gives one answer at a time')
  if (config.responseLogprobs) refuse('generationConfig.responseLogprobs', 'this provider does not tell probabilities')
  if (config.responseModalities?.some((modality) => modality.toUpperCase() !== 'TEXT'))
    refuse('generationConfig.responseModalities', 'this provider answers in text here')
  if (body.cachedContent) refuse('cachedContent', 'what is cached at Google is not at this provider: send it with the request')
}

function addTools(names: ToolNames, body: GenerateRequest): void {
  const others = new HostedTools()
  for (const [index, tool] of (body.tools ?? []).entries()) {
    for (const name of Object.keys(tool)) if (name !== 'functionDeclarations') others.add(`tools[${index}]`, name)
    for (const [at, { name, description, parameters, parametersJsonSchema }] of (tool.functionDeclarations ?? []).entries()) {
      const schema = parametersJsonSchema ?? (parameters ? jsonSchemaOf(parameters) : null)
      const field = `tools[${index}].functionDeclarations[${at}]`
      names.add(field, { kind: 'function', name, namespace: null, description: description ?? null, schema, strict: null })
    }
  }
  others.refuseAlone(names)
}

function choiceOf({ toolConfig }: GenerateRequest, names: ToolNames): Question['toolChoice'] {
  const { mode, allowedFunctionNames: allowed } = toolConfig?.functionCallingConfig ?? {}
  const [only, more] = allowed ?? []
  if (mode?.toUpperCase() === 'NONE') return { type: 'none' }
  if (mode?.toUpperCase() !== 'ANY' && mode?.toUpperCase() !== 'VALIDATED') return null
  const field = 'toolConfig.functionCallingConfig.allowedFunctionNames'
  if (more !== undefined) return refuse(field, 'only one name is carried: send only the tools that are allowed')
  return only === undefined ? { type: 'required' } : names.chosen(field, { name: only, namespace: null })
}

function thinkingOf({ thinkingConfig: config }: Generation): Thinking | null {
  if (!config) return null
  const effort = levels[config.thinkingLevel?.toLowerCase() ?? ''] ?? null
  if (config.thinkingBudget === 0 && effort === null) return { off: true }
  const budgetTokens = config.thinkingBudget && config.thinkingBudget > 0 ? config.thinkingBudget : null
  return { off: false, effort, budgetTokens, shown: config.includeThoughts === true }
}

function formatOf({ responseMimeType: type, responseSchema, responseJsonSchema }: Generation): Question['format'] {
  if (type !== 'application/json')
    return type && type !== 'text/plain' ? refuse('generationConfig.responseMimeType', `"${type}" is not carried`) : null
  const schema = responseJsonSchema ?? (responseSchema ? jsonSchemaOf(responseSchema) : null)
  return schema === null ? { type: 'json' } : { type: 'json', schema }
}

/** Reads a request of Google’s generateContent. Throws `invalid_request` naming the field. */
export function readGenerate(raw: Readonly<Record<string, unknown>>): Question {
  const body = parseBody(generateRequest, withCamelNames(raw))
  const config = body.generationConfig ?? {}
  refuseForeign(body, config)
  const names = new ToolNames()
  addTools(names, body)
  const turns = new Turns()
  const { systemInstruction: system } = body
  if (typeof system === 'string') turns.system(system)
  else for (const { text } of system?.parts ?? []) turns.system(text ?? '')
  readContents(turns, Array.isArray(body.contents) ? body.contents : [body.contents])
  checkPairs(turns.prompt, 'contents')
  const { temperature, topP, topK, presencePenalty, frequencyPenalty, seed } = config
  return {
    ...emptyQuestion,
    prompt: turns.prompt,
    maxOutputTokens: config.maxOutputTokens ?? null,
    sampling: given({ temperature, topP, topK, presencePenalty, frequencyPenalty, seed }),
    stop: config.stopSequences ?? [],
    format: formatOf(config),
    tools: names.tools,
    toolChoice: choiceOf(body, names),
    thinking: thinkingOf(config),
    clientTools: names.clientTools,
  }
}
