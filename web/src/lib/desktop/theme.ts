/** Tells whether the page is dark, now and whenever that changes. Answers with the way to end it. */
export function followTheme(tell: (dark: boolean) => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const root = document.documentElement
  const look = (): void => tell(root.dataset.theme === 'dark' || (root.dataset.theme !== 'light' && system.matches))
  const chosen = new MutationObserver(look)
  chosen.observe(root, { attributeFilter: ['data-theme'] })
  system.addEventListener('change', look)
  look()
  return () => {
    chosen.disconnect()
    system.removeEventListener('change', look)
  }
}
