import type { McpCall } from '@helix/contract/mcp-servers'

/** Why a call was not carried out, in words for the agent and its people. */
export class McpFault extends Error {
  readonly outcome: McpCall['outcome']
  /** Of HTTP, where no JSON-RPC request waits for the answer. */
  readonly status: number
  /** Of JSON-RPC. */
  readonly code: number

  constructor(outcome: McpCall['outcome'], status: number, code: number, message: string) {
    super(message)
    this.outcome = outcome
    this.status = status
    this.code = code
  }
}

/** JSON-RPC’s own codes, and those of the range that servers choose from. */
export const codes = {
  parse: -32700,
  invalid: -32600,
  failed: -32000,
  timeout: -32001,
  refused: -32003,
  tooLarge: -32004,
  restarted: -32005,
}

export const invalid = (message: string, code = codes.invalid): McpFault => new McpFault('failed', 400, code, message)
export const failed = (message: string): McpFault => new McpFault('failed', 502, codes.failed, message)
export const tooLarge = (status: 413 | 502, message: string): McpFault => new McpFault('too_large', status, codes.tooLarge, message)

export type RpcId = string | number | null

export const errorMessage = (id: RpcId, { code, message }: { code: number; message: string }) => ({
  jsonrpc: '2.0' as const,
  id,
  error: { code, message },
})
