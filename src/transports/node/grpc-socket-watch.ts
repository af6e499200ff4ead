import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { ChannelCredentials } from "@grpc/grpc-js";
import { remoteAddressOf } from "./tcp.ts";
import { identityOf } from "./tls.ts";

type Connector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/**
 * Sees the socket of a connection that grpc-js makes: an attempt that is given up leaves it open for ever, and of its errors
 * grpc-js gives texts only. Where a version of grpc-js makes its connections in another way, it sees nothing.
 */
export class SocketWatch {
  #socket: Socket | undefined = undefined;
  #error: unknown = undefined;

  /** The last error of the connection. */
  get error(): unknown {
    return this.#error;
  }

  get remoteAddress(): string | undefined {
    return this.#socket && remoteAddressOf(this.#socket);
  }

  /** What the server's certificate says, once it was verified. */
  get identity(): unknown {
    return this.#socket instanceof TLSSocket ? identityOf(this.#socket) : undefined;
  }

  /** Ends the connection, however far it has come. */
  destroy(): void {
    this.#socket?.destroy();
  }

  /** The same credentials, with this watch; what was given is not changed. */
  around(credentials: ChannelCredentials): ChannelCredentials {
    if (typeof credentials._createSecureConnector !== "function") return credentials;
    const value: ChannelCredentials["_createSecureConnector"] = (...about) => {
      const connector = credentials._createSecureConnector(...about);
      if (typeof connector.connect === "function") this.#listenTo(connector);
      return connector;
    };
    return Object.create(credentials, { _createSecureConnector: { value } }) as ChannelCredentials;
  }

  #listenTo(connector: Connector): void {
    const connect = connector.connect.bind(connector);
    connector.connect = async (socket) => {
      this.#keep(socket);
      try {
        const secured = await connect(socket);
        this.#keep(secured.socket);
        return secured;
      } catch (error) {
        this.#error = error;
        throw error;
      }
    };
  }

  #keep(socket: Socket): void {
    if (socket === this.#socket) return;
    this.#socket = socket;
    socket.on("error", (error) => {
      this.#error = error;
    });
  }
}
