const encoder = new TextEncoder()

/** One server-sent event. JSON holds no line breaks, so that data is one line. */
export function event(data: object | '[DONE]', name?: string): Uint8Array {
  const text = data === '[DONE]' ? data : JSON.stringify(data)
  return encoder.encode(name === undefined ? `data: ${text}\n\n` : `event: ${name}\ndata: ${text}\n\n`)
}

export function bytesOf(body: object): Uint8Array {
  return encoder.encode(JSON.stringify(body))
}
