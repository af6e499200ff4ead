import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { Dispatcher } from "../core/handlers.ts";
import { type Shape, shapeOf } from "../core/shape.ts";

/** What a service says about itself in its OpenRPC document. */
export interface ServiceInfo {
  readonly title: string;
  readonly version: string;
  readonly description?: string | undefined;
}

/** The version of the OpenRPC specification that the documents follow. */
const OPENRPC = "1.3.2";
/** The JSON Schema that OpenRPC 1.3 embeds. */
const TARGET = "draft-07";

type JsonSchema = Readonly<Record<string, unknown>>;

interface Descriptor {
  readonly name: string;
  readonly required?: boolean;
  readonly schema: JsonSchema | true;
}

/**
 * The OpenRPC document of the handlers that can be listed. A handler made by `method` is described by its schemas, where
 * their library writes JSON Schema (Standard JSON Schema); one made by `positional` by its names; a plain function by its name.
 */
export function openRpcDocument(dispatcher: Dispatcher, info: ServiceInfo): object {
  const { title, version, description } = info;
  const names = dispatcher.names?.() ?? [];
  return {
    openrpc: OPENRPC,
    info: { title, version, ...(description !== undefined && { description }) },
    methods: names.map((name) => methodObject(name, dispatcher.find(name))),
  };
}

function methodObject(name: string, handler: object | undefined): object {
  const shape = (handler && shapeOf(handler)) ?? {};
  const params = paramsOf(shape);
  return {
    name,
    ...(params === undefined && { description: "The params are not described." }),
    paramStructure: shape.positional === undefined ? "by-name" : "either",
    params: params ?? [],
    result: { name: "result", schema: (shape.result && jsonSchemaOf(shape.result, "output")) ?? true },
  };
}

/** One descriptor per param; those that have a position come first. `undefined` where nothing is known of them. */
function paramsOf({ params, positional }: Shape): Descriptor[] | undefined {
  const schema = params && jsonSchemaOf(params, "input");
  const properties = schema?.["type"] === "object" ? recordOf(schema["properties"]) : undefined;
  if (properties === undefined) return positional?.map((name) => ({ name, schema: true }));
  const listed = schema?.["required"];
  const required: readonly unknown[] = Array.isArray(listed) ? listed : [];
  const places = (positional ?? []).filter((name) => properties.has(name));
  return [...new Set([...places, ...properties.keys()])].map((name) => ({
    name,
    required: required.includes(name),
    schema: (properties.get(name) as JsonSchema | undefined) ?? true,
  }));
}

/** The JSON Schema that a library writes of its schema, if it can and if it stands alone: a reference would point out of it. */
function jsonSchemaOf(schema: StandardSchemaV1, side: "input" | "output"): JsonSchema | undefined {
  const { jsonSchema } = schema["~standard"] as Partial<StandardJSONSchemaV1.Props>;
  try {
    const { $schema: _, ...written } = jsonSchema?.[side]({ target: TARGET }) ?? {};
    return jsonSchema === undefined || JSON.stringify(written).includes('"$ref"') ? undefined : written;
  } catch {
    // A schema with a transform, a date, a function: there is no JSON Schema of it.
    return undefined;
  }
}

/** A map of the members, so that a property may have any name. */
function recordOf(value: unknown): Map<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}
