/** The wire of Hemi's `api/protocol`: commands as JSON over WebSocket, for a TypeScript program at either end of it. */
export type { Command, DecodeCommandOptions } from "./codecs/command/envelope.ts";
export { decodeCommand, encodeCommand } from "./codecs/command/envelope.ts";
export type {
  AnyCommands,
  CommandApi,
  CommandHandlers,
  CommandListeners,
  CommandMethods,
  CommandNames,
  CommandNotification,
  CommandRequest,
} from "./codecs/command/methods.ts";
export { notification, request } from "./codecs/command/methods.ts";
export type { CommandOptions } from "./codecs/command/options.ts";
export type { CommandWire } from "./wires/command.ts";
export { command } from "./wires/command.ts";
