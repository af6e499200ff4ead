import { DEFAULT_TIMEOUT_MS } from "./calling.ts";
import type { CloseReason, Role } from "./channel.ts";
import type { Clock } from "./clock.ts";
import { checkMs, systemClock } from "./clock.ts";
import type { Connection } from "./context.ts";
import type { EstablishOptions, WrapPipe } from "./establish.ts";
import { dispatcherOf, type HandlersOption } from "./handlers.ts";
import { type Limits, limitsOf, Slots } from "./limits.ts";
import { checkHeartbeat, DEFAULT_HEARTBEAT, type Heartbeat } from "./liveness.ts";
import { type LoggerOption, loggerOf } from "./logger.ts";
import { Meter } from "./meter.ts";
import { type Middleware, withMiddleware } from "./middleware.ts";
import { Rounds } from "./rounds.ts";
import { type Gauges, NO_GAUGES } from "./stats.ts";
import type { Authenticator, Builtins, Wire } from "./wire.ts";

/** What both ends of a link can be told. Every option may be left out; `undefined` means the default. */
export interface EndOptions<Data = unknown> extends Partial<{ readonly [Name in keyof Limits]: number | undefined }> {
  /** The wire to speak; both ends must agree. */
  readonly wire?: Wire | undefined;
  /** What the other side can call: an object of functions, a `Registry`, a `lookup`, or a function that gives one for each connection. */
  readonly handlers?: HandlersOption<Data> | undefined;
  /**
   * Whether the wire's own methods are answered (JSON-RPC: `rpc.serverInfo`, `rpc.discover`); its reserved names then never
   * reach `handlers`. Default: a server does, a client does not.
   */
  readonly builtins?: boolean | undefined;
  /** Stands around every call in both directions; the first is the outermost. */
  readonly middleware?: readonly Middleware[] | undefined;
  /** Default time of this end's calls. Default 20 000; Infinity: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Handlers that run at once over all connections of this end. Default 8192. */
  readonly concurrency?: number | undefined;
  /** Nothing that arrives after a notification starts before that notification's handler has ended. Default: the wire's rule. */
  readonly ordered?: boolean | undefined;
  /** How often a silent link is asked for a sign of life, where the wire has one. Default 15 000 and 15 000. */
  readonly heartbeat?: Heartbeat | undefined;
  /** How long a message waits for company before it is sent. Default: until the end of this turn of the event loop. */
  readonly flushDelayMs?: number | undefined;
  /** How long a new link may take to come about. Default 15 000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** Proves who the ends are, before anything else is said. */
  readonly authenticator?: Authenticator | undefined;
  /**
   * Gets the pipe of each new connection before its first byte, and gives it back, or one around it (encryption, a tap),
   * or throws to refuse it. Transports that frame messages themselves have no pipe, and go without.
   */
  readonly wrapPipe?: WrapPipe | undefined;
  /** A link has come about; nothing is served before this has ended. Throws to refuse it. */
  readonly onConnect?: ((connection: Connection<Data>) => void | Promise<void>) | undefined;
  /** A link that `onConnect` let in has ended, and why. */
  readonly onDisconnect?: ((connection: Connection<Data>, status: CloseReason) => void) | undefined;
  /** Where this end says what happened; `false`: nowhere. Default: warnings and errors to stderr. */
  readonly logger?: LoggerOption;
  /** Time; tests turn it by hand. */
  readonly clock?: Clock | undefined;
}

/** Default bound of running handlers of one end. */
const DEFAULT_CONCURRENCY = 8192;
const DEFAULT_HANDSHAKE_TIMEOUT_MS = 15_000;

/** Checks that this is a wire, and has room for what a user gave. Throws `TypeError` that says what to use where it has none. */
export function checkAuthenticator(authenticator: Authenticator | undefined, wire: Wire): void {
  if (typeof wire?.codec !== "function") throw new TypeError("wire must be a wire: native(), say, and not native");
  if (authenticator === undefined || wire.insteadOfAuthenticator === undefined) return;
  throw new TypeError(`The wire ${wire.name} has no room for an authenticator: use ${wire.insteadOfAuthenticator}`);
}

/** Throws `TypeError` for one that is given and is no function. */
export function checkCallbacks(callbacks: Readonly<Record<string, unknown>>): void {
  for (const [name, callback] of Object.entries(callbacks)) {
    if (callback !== undefined && typeof callback !== "function") throw new TypeError(`${name} must be a function`);
  }
}

/**
 * Turns a user's options into what every link of this end is made with; `gauges` says how they are at any time. Throws
 * `TypeError` or `RangeError` for a wrong one.
 */
export function establishOptions<Data>(
  role: Role,
  options: EndOptions<Data>,
  gauges: () => Gauges = () => NO_GAUGES,
): EstablishOptions & { readonly meter: Meter } {
  const { handlers = {}, middleware = [], builtins = role === "server", clock = systemClock() } = options;
  const slots = new Slots(options.concurrency ?? DEFAULT_CONCURRENCY);
  // A handler runs on when its link has ended: the places know of it, the links do not.
  const meter = new Meter(clock, () => ({ ...gauges(), running: slots.taken }));
  const shared = typeof handlers === "function" ? undefined : dispatcherOf(handlers);
  const own = handlers as (connection: Connection<Data>) => object;
  // A server may serve several wires at one port.
  const builtinsByWire = new Map<Wire, Builtins | undefined>();
  const builtinsOf = (spoken: Wire): Builtins | undefined => {
    if (builtins && !builtinsByWire.has(spoken))
      builtinsByWire.set(
        spoken,
        spoken.builtins?.(() => meter.stats()),
      );
    return builtinsByWire.get(spoken);
  };
  const { onConnect, onDisconnect, wrapPipe } = options;
  checkCallbacks({ onConnect, onDisconnect, wrapPipe });
  const logger = loggerOf(options.logger);
  return {
    role,
    clock,
    meter,
    rounds: new Rounds(clock),
    limits: limitsOf(options),
    logger,
    slots,
    ordered: options.ordered,
    timeoutMs: checkMs("timeoutMs", options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    middleware,
    heartbeat: checkHeartbeat(options.heartbeat ?? DEFAULT_HEARTBEAT),
    flushDelayMs: checkMs("flushDelayMs", options.flushDelayMs ?? 0),
    handshakeTimeoutMs: checkMs("handshakeTimeoutMs", options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS),
    authenticator: options.authenticator,
    dispatch: (peer) => {
      // `data` is the user's: the type says what the user's own hooks put there.
      const dispatcher = shared ?? dispatcherOf(own(peer as Connection<Data>));
      return withMiddleware(builtinsOf(peer.wire)?.(dispatcher, peer) ?? dispatcher, middleware);
    },
    wrapPipe,
    onConnect: onConnect && ((connection) => onConnect(connection as Connection<Data>)),
    onEnded: (peer, reason) => {
      meter.connections--;
      try {
        onDisconnect?.(peer as Connection<Data>, reason);
      } catch (thrown) {
        logger.error("onDisconnect failed", thrown);
      }
    },
  };
}
