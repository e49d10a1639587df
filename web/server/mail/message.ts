/** `Name <a@b>` or `a@b`, as nodemailer takes it: an object, so that nothing in it is read as more addresses. */
export function senderOf(setting: string): { name: string; address: string } {
  const named = /^([^<]*)<([^>]+)>$/.exec(setting)
  return named === null ? { name: '', address: setting } : { name: (named[1] ?? '').trim().replace(/^"|"$/g, ''), address: named[2] ?? '' }
}

/** One plain address. Whatever could be a second address, a header or a comment is none. */
export function isPlainAddress(text: string): boolean {
  return /^[^\s<>()[\],;:\\"@\u0000-\u001f\u007f]{1,64}@[^\s<>()[\],;:\\"@\u0000-\u001f\u007f]{1,255}$/.test(text)
}

/** A header is one line, whatever it was made of. */
export function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ').trim()
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)

function lineOf(text: string): string {
  return escaped(text).replace(/https?:\/\/[^\s<]+/g, (url) => `<a href="${url}">${url}</a>`)
}

/** The same words as the plain text, with links that can be clicked. No pictures, no styles from elsewhere. */
export function htmlOf(text: string): string {
  const paragraphs = text.split(/\n{2,}/).map((part) => `<p>${part.split('\n').map(lineOf).join('<br>')}</p>`)
  return `<!doctype html><html><body style="font:14px/20px system-ui,sans-serif;max-width:40em">${paragraphs.join('')}</body></html>`
}
