export const words = {
  filter: 'Filter',
  filterPlaceholder: 'Filter: words, #7, is:failed',
  newTask: 'New task',
  emptyTitle: 'No tasks yet',
  emptyText: 'Say what you want in a sentence. An agent writes the spec, you review it, and it is implemented on a branch.',
  nothingMatches: 'No task matches the filter',
  clear: 'Clear the filter',
  emptyColumn: 'Nothing here',
  retry: 'Retry',
  stale: 'The board could not be read again',
  cards: (shown: number, all: number) => (shown === all ? `${all} tasks` : `${shown} of ${all} tasks`),
}
