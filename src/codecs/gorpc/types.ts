import { any, type GobType, type Infer, string, struct, uint } from "../../gob/type.ts";

/** What a client sends. Id 0: no reply is wanted. */
export const WireRequest: GobType<{ ID: number; Request: unknown }> = struct("gorpc.wireRequest", {
  ID: uint,
  Request: any,
});

/** What a server sends. An error that is not empty is one outside of the function: a panic, or a request that cannot be served. */
export const WireResponse: GobType<{ ID: number; Response: unknown; Error: string }> = struct("gorpc.wireResponse", {
  ID: uint,
  Response: any,
  Error: string,
});

/** The request of a dispatcher: a function's name, ".Echo" or "Service.Method", and its argument. */
export const DispatcherRequest: GobType<{ Request: unknown; Name: string }, true> = struct(
  "gorpc.dispatcherRequest",
  { Request: any, Name: string },
  { pointer: true },
);

/** The response of a dispatcher. An error that is not empty is the function's own. */
export const DispatcherResponse: GobType<{ Response: unknown; Error: string }, true> = struct(
  "gorpc.dispatcherResponse",
  { Response: any, Error: string },
  { pointer: true },
);

export type DispatcherRequestValue = Infer<typeof DispatcherRequest>;
export type DispatcherResponseValue = Infer<typeof DispatcherResponse>;
