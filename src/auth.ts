/** Authenticators: what proves who the ends are before the first message, on wires that have room for it. */
export type { BoundKeyOptions } from "./auth/bound-key.ts";
export { boundKey } from "./auth/bound-key.ts";
export type { PrivateKey } from "./auth/curve.ts";
export { publicKeyOf } from "./auth/curve.ts";
export type { KeyOptions } from "./auth/keys.ts";
export type { Applicant, Authorize } from "./auth/lookup.ts";
export type { Secp256k1Options } from "./auth/secp256k1.ts";
export { secp256k1 } from "./auth/secp256k1.ts";
export type { TokenOptions } from "./auth/token.ts";
export { token } from "./auth/token.ts";
