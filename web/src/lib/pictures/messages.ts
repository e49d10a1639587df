/** All words of small pictures. */
export const words = {
  pictureOf: (title: string) => `The desktop of ${title}`,
  off: 'Desktop not running',
  none: 'No picture',
  live: (title: string) => `The desktop of ${title}, live`,
}
