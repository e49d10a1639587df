// Runs in a session: shows its film (/tmp/film.mp4) to Chromium and prints what that made of it, as JSON.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const page = `<video muted src="/film.mp4"></video><script>
  const video = document.querySelector('video')
  const tell = (what) => fetch('/told', { method: 'POST', body: JSON.stringify(what) })
  video.onerror = () => tell({ error: video.error.message })
  video.onloadedmetadata = () => { video.currentTime = Math.max(0, video.duration - 0.6) }
  video.onseeked = () => {
    const canvas = document.createElement('canvas')
    canvas.width = 64
    canvas.height = 36
    const context = canvas.getContext('2d')
    context.drawImage(video, 0, 0, 64, 36)
    const { data } = context.getImageData(0, 0, 64, 36)
    const colours = new Set()
    for (let at = 0; at < data.length; at += 4) colours.add(data.slice(at, at + 3).map((value) => value >> 4).join())
    tell({ width: video.videoWidth, height: video.videoHeight, seconds: video.duration, colours: colours.size })
  }
</script>`

const server = createServer((request, response) => {
  if (request.method === 'POST') {
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      process.stdout.write(text, () => {
        browser.kill('SIGKILL')
        process.exit(0)
      })
    })
    return
  }
  const film = request.url === '/film.mp4'
  response.writeHead(200, { 'content-type': film ? 'video/mp4' : 'text/html' })
  response.end(film ? readFileSync('/tmp/film.mp4') : page)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--user-data-dir=/tmp/film-profile']
const browser = spawn('chromium', [...flags, `http://127.0.0.1:${server.address().port}/`], { stdio: 'ignore' })
