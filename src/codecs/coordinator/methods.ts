import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { CallContext } from "../../core/context.ts";
import { printable } from "../../core/text.ts";

/** The message types of one method, as protoc-gen-es makes them; without the second one replies are undecoded bytes. */
export type CoordinatorMethod = readonly [request: DescMessage, response?: DescMessage];

/** The methods of a wire by their names: the same at both ends. */
export type CoordinatorMethods = Readonly<Record<string, CoordinatorMethod>>;

/** What a caller sees of the methods: `fleet.remote<CoordinatorApi<typeof methods>>("agent-7").collect({ since: 5 })`. */
export type CoordinatorApi<Methods extends CoordinatorMethods> = {
  readonly [Name in keyof Methods]: (
    params?: MessageInitShape<Methods[Name][0]>,
  ) => Methods[Name] extends readonly [DescMessage, infer Response extends DescMessage]
    ? MessageShape<Response>
    : Uint8Array;
};

/** What an agent has for the methods: `const handlers: CoordinatorHandlers<typeof methods>`. */
export type CoordinatorHandlers<Methods extends CoordinatorMethods> = {
  readonly [Name in keyof Methods]: (
    params: MessageShape<Methods[Name][0]>,
    context: CallContext,
  ) => Later<
    Methods[Name] extends readonly [DescMessage, infer Response extends DescMessage]
      ? MessageInitShape<Response>
      : Uint8Array
  >;
};

type Later<Value> = Value | Promise<Value>;

/** One entry of the table. */
export interface Method {
  readonly name: string;
  readonly request: DescMessage;
  readonly response: DescMessage | undefined;
}

/** The methods by their names and by the types of their requests; the links of a wire share it. */
export class MethodTable {
  readonly #byName = new Map<string, Method>();
  readonly #byType = new Map<string, Method>();

  /** Throws `TypeError` for what are no message types, and for a second method with the same request. */
  constructor(methods: CoordinatorMethods) {
    if (typeof methods !== "object" || methods === null) {
      throw new TypeError("methods must be an object: { collect: [CollectRequestSchema, CollectResponseSchema] }");
    }
    for (const [name, types] of Object.entries(methods)) this.#add(methodOf(name, types));
  }

  named(name: string): Method | undefined {
    return this.#byName.get(name);
  }

  /** The method that requests of this type call. */
  taking(typeName: string): Method | undefined {
    return this.#byType.get(typeName);
  }

  #add(method: Method): void {
    const { name, request } = method;
    const other = this.#byType.get(request.typeName);
    if (other !== undefined) {
      const why = `a request's type chooses its method, and ${request.typeName} is that of "${printable(other.name)}"`;
      throw new TypeError(`Cannot add the method "${printable(name)}": ${why}. Give each a request of its own`);
    }
    this.#byName.set(name, method);
    this.#byType.set(request.typeName, method);
  }
}

function methodOf(name: string, types: CoordinatorMethod): Method {
  const [request, response, ...more] = Array.isArray(types) ? (types as readonly unknown[]) : [];
  if (name === "" || !isMessageType(request) || more.length > 0) throw noMethod(name);
  if (response !== undefined && !isMessageType(response)) throw noMethod(name);
  return { name, request, response };
}

function isMessageType(value: unknown): value is DescMessage {
  return (value as Partial<DescMessage> | null | undefined)?.kind === "message";
}

function noMethod(name: string): TypeError {
  const what = "a method needs a name and the schemas of its request and its response";
  return new TypeError(
    `Cannot add the method "${printable(name)}": ${what}, [CollectRequestSchema, CollectResponseSchema]`,
  );
}
