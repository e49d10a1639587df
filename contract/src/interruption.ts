/**
 * What the supervisor says to an agent whose work was cut off. The demo script reads these sentences too: what was asked stands in the prompt
 * before, or behind them.
 */
export const continued =
  'You were interrupted in the middle of your work. Continue where you stopped: look at the state of the working copies first, some of it may be done already, then finish the rest.'

export const repeated =
  'You were interrupted before, and the conversation of that time may be lost. Some of what follows may be done already: look at the state of the working copies first, then finish the rest.'

export const steered =
  'A person sent the message below while you were working, and your turn was cut short only to bring it to you at once. It adds to what you were asked and replaces nothing of it: take the message into account, look where you stopped, and go on until the work is finished.'
