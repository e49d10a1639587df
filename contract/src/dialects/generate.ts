import { z } from 'zod'
import { anything, jsonSchema, tokenCount } from './shared.ts'

// Google’s generateContent: https://ai.google.dev/api/generate-content. Fields that are not here are not read.

const blob = z.object({ mimeType: z.string(), data: z.string() })
const fileData = z.object({ mimeType: z.string().nullish(), fileUri: z.string() })

const part = z.object({
  text: z.string().nullish(),
  thought: z.boolean().nullish(),
  thoughtSignature: z.string().nullish(),
  inlineData: blob.nullish(),
  fileData: fileData.nullish(),
  functionCall: z.object({ id: z.string().nullish(), name: z.string().min(1), args: anything }).nullish(),
  functionResponse: z
    .object({
      id: z.string().nullish(),
      name: z.string().min(1),
      response: z.record(z.string(), z.unknown()).nullish(),
      parts: z.array(z.object({ inlineData: blob.nullish(), fileData: fileData.nullish() })).nullish(),
    })
    .nullish(),
  executableCode: anything.optional(),
  codeExecutionResult: anything.optional(),
})
export type GeneratePart = z.infer<typeof part>

const content = z.object({ role: z.string().nullish(), parts: z.array(part).nullish() })
export type GenerateContent = z.infer<typeof content>

const declaration = z.object({
  name: z.string().min(1),
  description: z.string().nullish(),
  parameters: jsonSchema.nullish(),
  parametersJsonSchema: jsonSchema.nullish(),
})

/** What Google itself would run, such as googleSearch, stands beside the declarations under its own name. */
const tool = z.looseObject({ functionDeclarations: z.array(declaration).nullish() })

export const generateRequest = z.object({
  contents: z.union([z.array(content).min(1), content]),
  systemInstruction: z.union([content, z.string()]).nullish(),
  tools: z.array(tool).nullish(),
  toolConfig: z
    .object({
      functionCallingConfig: z.object({ mode: z.string().nullish(), allowedFunctionNames: z.array(z.string()).nullish() }).nullish(),
    })
    .nullish(),
  generationConfig: z
    .object({
      maxOutputTokens: tokenCount.nullish(),
      temperature: z.number().min(0).max(2).nullish(),
      topP: z.number().nullish(),
      topK: z.number().nullish(),
      stopSequences: z.array(z.string()).nullish(),
      seed: z.number().int().nullish(),
      presencePenalty: z.number().nullish(),
      frequencyPenalty: z.number().nullish(),
      candidateCount: z.number().int().nullish(),
      responseMimeType: z.string().nullish(),
      responseSchema: jsonSchema.nullish(),
      responseJsonSchema: jsonSchema.nullish(),
      responseModalities: z.array(z.string()).nullish(),
      responseLogprobs: z.boolean().nullish(),
      thinkingConfig: z
        .object({ includeThoughts: z.boolean().nullish(), thinkingBudget: z.number().int().nullish(), thinkingLevel: z.string().nullish() })
        .nullish(),
    })
    .nullish(),
  cachedContent: z.string().nullish(),
})
export type GenerateRequest = z.infer<typeof generateRequest>
