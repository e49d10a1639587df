export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]
export const themeNames: Record<Theme, string> = { system: 'As the system', light: 'Light', dark: 'Dark' }
export const themeCookie = 'helix-theme'

export function themeOf(value: string | undefined): Theme {
  return themes.find((theme) => theme === value) ?? 'system'
}

/** Shows a theme at once and keeps it for a year, so that the server renders it from the first byte. */
export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in Firefox and Safari before 18.4
  document.cookie = `${themeCookie}=${theme}; path=/; max-age=31536000; samesite=lax`
}
