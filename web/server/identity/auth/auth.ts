import { passkey } from '@better-auth/passkey'
import type { IdKind, OrgId, UserId } from '@helix/contract/ids'
import { betterAuth } from 'better-auth'
import { APIError } from 'better-auth/api'
import { genericOAuth, twoFactor } from 'better-auth/plugins'
import { type Context, newId } from '../../context.ts'
import { enqueueMail } from '../../mail/store.ts'
import { hashPassword, passwordMatches } from '../hashing.ts'
import { homeFor, withoutRights } from '../home.ts'
import { cookieName } from '../principal.ts'
import { refusalOf, roleOf } from './admission.ts'
import { claims } from './claims.ts'
import { providerOf, type Usable } from './provider.ts'
import { knexAdapter } from './store.ts'

/** Units: seconds. */
export const sessionSeconds = 30 * 86_400

const idKinds: Record<string, IdKind> = { user: 'user', passkey: 'passkey' }

export type Parts = Pick<Context, 'db' | 'config' | 'sealing' | 'log'>

export function createAuth({ db, config, log }: Parts, connections: readonly Usable[], secret: string) {
  /** A connection's callback joins its own organisation right after: nobody needs another one for that. */
  const orgOf = async (userId: UserId): Promise<OrgId> => {
    const orgId = claims.getStore()?.orgId ?? (await homeFor(db, config, userId))
    if (orgId === null) throw new APIError('FORBIDDEN', { code: withoutRights, message: 'no organisation' })
    return orgId
  }
  const mail = (to: string, subject: string, text: string): Promise<void> => enqueueMail(db, { orgId: null, to, subject, text })
  return betterAuth({
    appName: 'Helix',
    baseURL: config.frontendUrl,
    basePath: '/api/auth',
    secret,
    database: knexAdapter(db),
    logger: { level: 'error', log: (level, message) => log.warn({ level }, `identity: ${message}`) },
    telemetry: { enabled: false },
    // Ours counts by account and address, in the database.
    rateLimit: { enabled: false },
    user: {
      modelName: 'users',
      fields: { emailVerified: 'email_verified', createdAt: 'created_at', updatedAt: 'updated_at' },
      // The mail goes to the new address, and nothing changes before its link was opened.
      changeEmail: { enabled: true },
      // Before anything is made or joined: who does not come in leaves nothing behind.
      validateUserInfo: ({ user, source }) => {
        const connection = connections.find(({ id }) => id === source.oauth?.providerId)
        if (connection === undefined) return
        const said = claims.getStore()
        const why = refusalOf(connection, user.email)
        if (why !== null) return { error: why }
        if (source.action === 'create-user' && (said === undefined || roleOf(connection, said) === null)) return { error: 'group' }
      },
    },
    session: {
      modelName: 'browser_sessions',
      fields: {
        userId: 'user_id',
        expiresAt: 'expires_at',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
      additionalFields: { orgId: { type: 'string', required: false, input: false, fieldName: 'org_id' } },
      expiresIn: sessionSeconds,
      updateAge: 86_400,
    },
    account: {
      modelName: 'accounts',
      fields: {
        accountId: 'account_id',
        providerId: 'provider_id',
        userId: 'user_id',
        accessToken: 'access_token',
        refreshToken: 'refresh_token',
        idToken: 'id_token',
        accessTokenExpiresAt: 'access_token_expires_at',
        refreshTokenExpiresAt: 'refresh_token_expires_at',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
      // An account elsewhere is the same person only when both sides have verified the address.
      accountLinking: { enabled: true, trustedProviders: [] },
    },
    verification: {
      modelName: 'verifications',
      fields: { expiresAt: 'expires_at', createdAt: 'created_at', updatedAt: 'updated_at' },
    },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: 12,
      maxPasswordLength: 200,
      requireEmailVerification: true,
      revokeSessionsOnPasswordReset: true,
      password: { hash: hashPassword, verify: ({ hash, password }) => passwordMatches(password, hash) },
      sendResetPassword: ({ user, token }) =>
        mail(
          user.email,
          'Set a new password for Helix',
          `Somebody, hopefully you, asked for a new password.\n\n${config.frontendUrl}/reset?token=${token}\n\nThe link works once and for an hour. If it was not you, do nothing.`,
        ),
    },
    emailVerification: {
      sendOnSignIn: true,
      sendVerificationEmail: ({ user, token }) =>
        mail(
          user.email,
          'Confirm your address for Helix',
          `Confirm that this address is yours, to sign in to Helix.\n\n${config.frontendUrl}/verify?token=${token}\n\nThe link works for an hour. If you did not ask for it, do nothing.`,
        ),
    },
    databaseHooks: {
      session: { create: { before: async (session) => ({ data: { ...session, orgId: await orgOf(session.userId as UserId) } }) } },
    },
    advanced: {
      cookiePrefix: 'helix',
      useSecureCookies: false,
      cookies: { session_token: { name: cookieName(config.secure), attributes: { secure: config.secure } } },
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax', path: '/', secure: config.secure },
      database: { generateId: ({ model }) => newId(idKinds[model] ?? 'session').replace(/^ses_/, '') },
    },
    plugins: [
      twoFactor({
        issuer: 'Helix',
        schema: {
          user: { fields: { twoFactorEnabled: 'two_factor_enabled' } },
          twoFactor: {
            modelName: 'two_factors',
            fields: {
              backupCodes: 'backup_codes',
              userId: 'user_id',
              failedVerificationCount: 'failed_verification_count',
              lockedUntil: 'locked_until',
            },
          },
        },
      }),
      passkey({
        rpID: new URL(config.frontendUrl).hostname,
        rpName: 'Helix',
        origin: config.frontendUrl,
        // A passkey stands for both factors: the device, and the finger or code that unlocks it. It is found without a name being typed first.
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        authentication: {
          afterVerification: ({ verification }) => {
            if (!verification.authenticationInfo.userVerified)
              throw new APIError('UNAUTHORIZED', { message: 'the person was not verified' })
          },
        },
        schema: {
          passkey: {
            modelName: 'passkeys',
            fields: {
              publicKey: 'public_key',
              userId: 'user_id',
              credentialID: 'credential_id',
              deviceType: 'device_type',
              backedUp: 'backed_up',
              createdAt: 'created_at',
            },
          },
        },
      }),
      genericOAuth({ config: connections.map((one) => providerOf(one)) }),
    ],
  })
}

export type Auth = ReturnType<typeof createAuth>
