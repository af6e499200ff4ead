/** The wire of Aperture's coordinator, for a TypeScript program at either end of it. It needs `@bufbuild/protobuf`. */
export type {
  CoordinatorApi,
  CoordinatorHandlers,
  CoordinatorMethod,
  CoordinatorMethods,
} from "./codecs/coordinator/methods.ts";
export type { CoordinatorOptions } from "./wires/coordinator.ts";
export { coordinator } from "./wires/coordinator.ts";
