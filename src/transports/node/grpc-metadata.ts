import type { Metadata as GrpcJsMetadata } from "@grpc/grpc-js";
import { printable } from "../../core/text.ts";
import type { GrpcMetadata } from "./grpc-options.ts";
import type { GrpcPackage } from "./grpc-package.ts";

/** Writes metadata as grpc-js has it. Throws `TypeError` for what a header cannot say; a value is never repeated in errors. */
export function toMetadata({ Metadata }: GrpcPackage, entries: GrpcMetadata): GrpcJsMetadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) {
    const shown = `The metadata "${printable(name)}"`;
    if (!/^[0-9a-z_.-]+$/.test(name))
      throw new TypeError(`${shown} has a name that is not of a-z, 0-9, "_", "-" and "."`);
    if (name.endsWith("-bin") !== (typeof value !== "string")) {
      throw new TypeError(
        `${shown} must be ${name.endsWith("-bin") ? "bytes, as its name ends" : "text: bytes need a name that ends"} in -bin`,
      );
    }
    if (typeof value !== "string") metadata.set(name, Buffer.from(value));
    else if (/^[ -~]*$/.test(value)) metadata.set(name, value);
    else
      throw new TypeError(`${shown} has characters that a header cannot say: use bytes and a name that ends in -bin`);
  }
  return metadata;
}

/** Reads what the other side sent. The names are its own, so that the object has no prototype. */
export function fromMetadata(metadata: GrpcJsMetadata): GrpcMetadata {
  const entries: Record<string, string | Uint8Array> = Object.create(null);
  for (const name of Object.keys(metadata.getMap())) {
    const values = metadata.get(name);
    const [first] = values;
    if (first === undefined) continue;
    entries[name] = typeof first === "string" ? values.join(", ") : first;
  }
  return entries;
}
