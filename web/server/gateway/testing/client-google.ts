import { type Content, type GenerateContentParameters, type GenerateContentResponse, GoogleGenAI, type Part } from '@google/genai'
import type { Client, Got, Wanted } from './wanted.ts'

function contentsOf({ text, image, document, rounds }: Wanted): Content[] {
  const parts: Part[] = [{ text }]
  if (image) {
    const data = /^data:(image\/png);base64,(.*)$/.exec(image.url)
    parts.push(
      data ? { inlineData: { mimeType: 'image/png', data: data[2] ?? '' } } : { fileData: { mimeType: 'image/png', fileUri: image.url } },
    )
  }
  if (document) parts.push({ inlineData: { mimeType: 'application/pdf', data: document.base64 } })
  const contents: Content[] = [{ role: 'user', parts }]
  for (const { turn, results } of rounds ?? []) {
    contents.push(turn as Content)
    contents.push({
      role: 'user',
      parts: results.map(({ id, name, text: said, error, imageBase64 }) => ({
        functionResponse: {
          ...{ id, name, response: error ? { error: said } : { output: said } },
          ...(imageBase64 ? { parts: [{ inlineData: { mimeType: 'image/png', data: imageBase64 } }] } : {}),
        },
      })),
    })
  }
  return contents
}

function paramsOf(wanted: Wanted, signal?: AbortSignal): GenerateContentParameters {
  const { system, tools, choice, stop, temperature, topP, seed, maxTokens, schema, effort } = wanted
  const mode =
    choice === undefined
      ? null
      : choice === 'none'
        ? { mode: 'NONE' }
        : { mode: 'ANY', ...(choice === 'any' ? {} : { allowedFunctionNames: [choice] }) }
  return {
    model: 'asked-model',
    contents: contentsOf(wanted),
    config: {
      ...(system ? { systemInstruction: system } : {}),
      ...(tools
        ? {
            tools: [
              { functionDeclarations: tools.map(({ schema: parametersJsonSchema, ...tool }) => ({ ...tool, parametersJsonSchema })) },
            ],
          }
        : {}),
      ...(mode ? { toolConfig: { functionCallingConfig: mode } } : {}),
      ...(stop ? { stopSequences: stop } : {}),
      ...(temperature === undefined ? {} : { temperature }),
      ...(topP === undefined ? {} : { topP }),
      ...(seed === undefined ? {} : { seed }),
      ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
      ...(schema ? { responseMimeType: 'application/json', responseJsonSchema: schema } : {}),
      ...(effort ? { thinkingConfig: { includeThoughts: true, thinkingBudget: effort === 'low' ? 1024 : 4096 } } : {}),
      ...(signal ? { abortSignal: signal } : {}),
    },
  } as GenerateContentParameters
}

function gotOf(responses: readonly GenerateContentResponse[]): Got {
  const parts = responses.flatMap((response) => response.candidates?.[0]?.content?.parts ?? [])
  const finish = responses.map((response) => response.candidates?.[0]?.finishReason).findLast((reason) => reason !== undefined)
  const usage = responses.map((response) => response.usageMetadata).findLast((said) => said !== undefined)
  const calls = parts.flatMap(({ functionCall }) =>
    functionCall ? [{ id: functionCall.id ?? '', name: functionCall.name ?? '', input: functionCall.args }] : [],
  )
  return {
    text: parts.flatMap((part) => (part.text && !part.thought ? [part.text] : [])).join(''),
    thought: parts.flatMap((part) => (part.text && part.thought ? [part.text] : [])).join(''),
    calls,
    reason: finish === 'MAX_TOKENS' ? 'length' : calls.length > 0 ? 'calls' : finish === 'STOP' ? 'stop' : String(finish),
    usage: {
      input: usage?.promptTokenCount ?? -1,
      cached: usage?.cachedContentTokenCount ?? 0,
      output: (usage?.candidatesTokenCount ?? -1) + (usage?.thoughtsTokenCount ?? 0),
      reasoning: usage?.thoughtsTokenCount ?? 0,
    },
    turn: { role: 'model', parts },
    pieces: responses.length,
  }
}

export function generateClient(url: string, apiKey: string): Client {
  const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url, apiVersion: 'v1beta' } })
  return {
    name: 'generate',
    async ask(wanted, streamed, signal) {
      if (!streamed) return gotOf([await client.models.generateContent(paramsOf(wanted, signal))])
      const chunks: GenerateContentResponse[] = []
      for await (const chunk of await client.models.generateContentStream(paramsOf(wanted, signal))) chunks.push(chunk)
      return gotOf(chunks)
    },
  }
}
