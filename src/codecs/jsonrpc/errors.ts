import type { Code } from "../../core/errors.ts";

/**
 * The number that stands for each name in a JSON-RPC error object, where the error brings no `wireCode` of its own.
 * Five come from the specification and three from jrpc2. The rest lie next to jrpc2's, in the part of the range for
 * servers that nobody else uses: -32000 to -32042 mean different things to LSP, MCP and Ethereum.
 */
export const ERROR_NUMBERS: Readonly<Record<Code, number>> = {
  invalid_argument: -32602,
  unimplemented: -32601,
  internal: -32603,
  unknown: -32098,
  cancelled: -32097,
  deadline_exceeded: -32096,
  resource_exhausted: -32095,
  unavailable: -32094,
  unauthenticated: -32093,
  permission_denied: -32092,
  not_found: -32091,
  already_exists: -32090,
  failed_precondition: -32089,
  aborted: -32088,
  out_of_range: -32087,
  data_loss: -32086,
};

/**
 * The name that each number gets when it comes in: the table above the other way round, and numbers that others send.
 * Any other number is `unknown`; the number itself is always kept as `wireCode`.
 */
export const ERROR_NAMES: ReadonlyMap<number, Code> = new Map<number, Code>([
  ...(Object.entries(ERROR_NUMBERS) as [Code, number][]).map(([code, number]): [number, Code] => [number, code]),
  // The specification: parse error, invalid request.
  [-32700, "invalid_argument"],
  [-32600, "invalid_argument"],
  // LSP: RequestCancelled, ContentModified, ServerCancelled, ServerNotInitialized.
  [-32800, "cancelled"],
  [-32801, "aborted"],
  [-32802, "aborted"],
  [-32002, "failed_precondition"],
  // Ethereum (EIP-1474): limit exceeded.
  [-32005, "resource_exhausted"],
]);
