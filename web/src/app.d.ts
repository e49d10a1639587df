import type { IncomingMessage } from 'node:http'
import type { PrincipalAnswer } from '@helix/contract/identity'

declare global {
  namespace App {
    interface Error {
      status: number
      message: string
      /** Of the catalogue, when the API answered. */
      code?: string
      /** Leads an operator to the cause in the log. */
      requestId?: string
    }
    interface Locals {
      principal: PrincipalAnswer | null
    }
    interface Platform {
      /** The request as the control plane received it. */
      req: IncomingMessage & { id?: string }
    }
  }
}
