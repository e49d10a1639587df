export const words = {
  priority: 'Priority',
  names: { urgent: 'Urgent', high: 'High', normal: 'Normal', low: 'Low' },
}
