import type { Socket } from "node:net";
import { createServer, type Server, type TlsOptions } from "node:tls";
import { printable } from "../../core/text.ts";
import type { LinkTerms } from "../../core/wire.ts";
import { type Door, listed } from "./port-doors.ts";
import { Reception } from "./port-reception.ts";
import { beginsTls, strangers } from "./port-strangers.ts";
import { watchHandshakes } from "./tls.ts";

/** Stands beside what is served where TLS may be spoken, and need not. */
export const TLS: Pick<Door, "name" | "begins"> = { name: "TLS", begins: beginsTls };

/** Where sockets come in, through TLS where it is spoken, and who reads how they begin. */
export class Entrance {
  readonly #receptions: Reception[] = [];
  readonly #take: (socket: Socket) => void;
  #dropHandshakes: () => void = () => {};

  constructor(
    doors: readonly Door[],
    terms: LinkTerms,
    over: {
      readonly tls: TlsOptions | undefined;
      readonly protocols: readonly string[];
      readonly secure: boolean;
    },
  ) {
    const inside = this.#reception(doors, terms);
    if (over.tls === undefined) {
      this.#take = (socket) => inside.take(socket);
      return;
    }
    const server = this.#tlsServer({ ...over.tls, ...alpnOf(over.protocols) }, terms);
    server.on("secureConnection", (socket) => inside.take(socket));
    const enter = (socket: Socket): void => void server.emit("connection", socket);
    if (over.secure) {
      this.#take = enter;
      return;
    }
    const outside = this.#reception([...doors, { ...TLS, enter }], terms);
    this.#take = (socket) => outside.take(socket);
  }

  take(socket: Socket): void {
    this.#take(socket);
  }

  /** Cuts those who have not come as far as a wire or a service. */
  close(): void {
    this.#dropHandshakes();
    for (const reception of this.#receptions) reception.close();
  }

  #reception(doors: readonly Door[], terms: LinkTerms): Reception {
    const reception = new Reception({ doors, strangers: strangers(listed(doors), terms.logger), terms });
    this.#receptions.push(reception);
    return reception;
  }

  #tlsServer(settings: TlsOptions, { logger }: LinkTerms): Server {
    const server = createServer(settings);
    this.#dropHandshakes = watchHandshakes(server, (from, { message }) =>
      logger.warn(`Refused ${from}: ${printable(message)}`),
    );
    return server;
  }
}

/** HTTP/1.1 before what else the services speak: browsers offer HTTP/2, too. Where nobody needs it, nothing is negotiated. */
function alpnOf(protocols: readonly string[]): Pick<TlsOptions, "ALPNProtocols"> {
  return protocols.length === 0 ? {} : { ALPNProtocols: ["http/1.1", ...protocols] };
}
