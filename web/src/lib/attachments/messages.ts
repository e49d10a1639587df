export const words = {
  add: 'Attach files',
  hint: 'Or paste and drop them into the text. 25 MB each.',
  remove: (name: string) => `Remove ${name}`,
  uploading: (name: string) => `${name}: uploading`,
  failed: 'A file was not attached',
}
