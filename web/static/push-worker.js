// Shows push messages of Helix and opens what they are about. It caches nothing.
self.addEventListener('push', (event) => {
  const message = event.data?.json() ?? { title: 'Helix', body: '', url: '/inbox', tag: 'helix' }
  const { title, body, url, tag } = message
  // A reminder takes the place of what it reminds of, and is heard.
  event.waitUntil(self.registration.showNotification(title, { body, tag, renotify: true, icon: '/favicon.svg', data: { url } }))
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  const url = new URL(event.notification.data?.url ?? '/inbox', self.location.origin)
  if (url.origin !== self.location.origin) return
  const open = async () => {
    const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
    const same = pages.find((page) => page.url === url.href)
    return same === undefined ? self.clients.openWindow(url.href) : same.focus()
  }
  event.waitUntil(open())
})
