/** Under which an OpenAI-compatible provider’s own options go to the library. */
export const compatibleName = 'compatible'
