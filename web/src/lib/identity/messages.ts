export const words = {
  title: 'Sign in',
  email: 'E-mail',
  password: 'Password',
  submit: 'Sign in',
  entering: 'Signing you in…',
  enter: 'Continue',
  linkHint: 'No password yet? The one-time sign-in link is printed by npm start, and kept in the file sign-in-link of the data folder.',
  linkFailed:
    'This sign-in link was already used or has expired. Use your password, or take a new link: one is made at each start of Helix.',
  invalid: 'Enter the e-mail address and the password of your account.',
}
