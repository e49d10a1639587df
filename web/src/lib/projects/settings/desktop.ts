import type { DesktopRules } from '@helix/contract/desktop'

/** Screens that have a name; everything else is `custom`. */
export const screens = {
  '1280x720': [1280, 720],
  '1600x900': [1600, 900],
  '1920x1080': [1920, 1080],
  '1920x1200': [1920, 1200],
  '2560x1440': [2560, 1440],
  '3840x2160': [3840, 2160],
} as const
export type Screen = keyof typeof screens | 'custom'

export const scales = ['100', '125', '150', '175', '200', '225', '250', '275', '300'] as const

const isNamed = (name: string): name is keyof typeof screens => name in screens

/** As the form holds them: figures as they are typed. */
export function pickDesktop({ enabled, width, height, scale, fps }: DesktopRules) {
  const name = `${width}x${height}`
  return {
    desktopEnabled: enabled,
    screen: (isNamed(name) ? name : 'custom') as Screen,
    screenWidth: String(width),
    screenHeight: String(height),
    screenScale: String(scale),
    fps: String(fps),
  }
}

export function changeDesktop({
  desktopEnabled,
  screen,
  screenWidth,
  screenHeight,
  screenScale,
  fps,
}: ReturnType<typeof pickDesktop>): DesktopRules {
  const [width, height] = screen === 'custom' ? [Number(screenWidth), Number(screenHeight)] : screens[screen]
  return { enabled: desktopEnabled, width, height, scale: Number(screenScale), fps: Number(fps) }
}
