/** Units: bytes. The name of a model is short. */
const longest = 300

/** The field `model` of a form with files, without reading the files; undefined: there is none. */
export function modelOfForm(contentType: string | undefined, body: Buffer): string | undefined {
  const match = /^multipart\/form-data\s*;.*boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/i.exec(contentType ?? '')
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) return undefined
  const line = Buffer.from(`--${boundary}`)
  for (let at = body.indexOf(line); at !== -1; at = body.indexOf(line, at + line.length)) {
    const start = body.indexOf('\r\n\r\n', at)
    if (start === -1) return undefined
    const head = body.toString('latin1', at + line.length, Math.min(start, at + 2000))
    if (!/;\s*name="?model"?(;|\r|$)/i.test(head)) continue
    const end = body.indexOf('\r\n', start + 4)
    return end === -1 || end - start > longest ? undefined : body.toString('utf8', start + 4, end)
  }
  return undefined
}
