export const words = {
  labels: 'Labels',
  none: 'The project has no labels yet.',
  newName: 'New label',
  colour: 'Colour of the new label',
  create: 'Create label',
  notCreated: 'The label was not created',
  colours: { grey: 'Grey', blue: 'Blue', green: 'Green', amber: 'Amber', red: 'Red', violet: 'Violet', teal: 'Teal', pink: 'Pink' },
}
