export const words = {
  emptyTitle: 'No changes yet',
  emptyText: 'What the agent pushes to the branch of this task shows here, file by file.',
  unread: 'The changes could not be read',
  binary: 'Binary file',
  tooLarge: 'No lines to show: the file was only renamed, or its diff is over 256 KiB.',
  truncated: 'More than 500 files changed: only the first 500 are shown.',
  commits: (count: number) => (count === 1 ? '1 commit' : `${count} commits`),
  files: (count: number) => (count === 1 ? '1 file' : `${count} files`),
}
