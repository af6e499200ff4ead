import * as grpc from "@grpc/grpc-js";
import type { Listen } from "../../core/wire.ts";
import { Health } from "./grpc-health.ts";
import type { GrpcServeOptions } from "./grpc-options.ts";
import { GrpcService, identityOf } from "./grpc-service.ts";

/** How a wire is served on a gRPC server that is there already. */
export interface AttachOptions extends Pick<GrpcServeOptions, "identify"> {
  /**
   * Whether `grpc.health.v1.Health` is served too. Default: unless the server has one of its own; with `true` that is an error.
   */
  readonly health?: boolean | undefined;
}

/**
 * Serves on a gRPC server of the user's: `serve(attach(server), { wire, handlers })` adds a service at the wire's path, and the
 * health service. Several may be attached to one server if their paths differ. Closing takes the services off again, leaves
 * streams to end as they do, and does not stop the server. The limits of messages and the keepalive are the server's own:
 * make it with `grpc.max_receive_message_length` of at least the wire's `maxFrameBytes` and 12.
 */
export function attach(server: grpc.Server, options: AttachOptions = {}): Listen {
  if (!(server instanceof grpc.Server)) {
    throw new TypeError("attach needs a Server of the package @grpc/grpc-js that is installed here");
  }
  return async (accept, terms) => {
    const service = new GrpcService(grpc, server, accept, terms, { identify: options.identify, identityOf });
    const health = options.health === false ? undefined : Health.of(server);
    if (health === undefined && options.health === true) {
      service.close();
      throw new TypeError("The gRPC server has a health service already: attach with health: false, or leave it out");
    }
    health?.set(service.name, true);
    let isOpen = true;
    return {
      address: `grpc:${service.path}`,
      close() {
        if (isOpen) {
          isOpen = false;
          service.close();
          health?.close(service.name);
        }
        return Promise.resolve();
      },
    };
  };
}
