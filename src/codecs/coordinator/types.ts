const PREFIX = "type.googleapis.com/";
/** Identifiers joined by dots. */
const FULL_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/** How a `google.protobuf.Any` names its type. */
export function typeUrlOf(typeName: string): string {
  return PREFIX + typeName;
}

/** The full name of the type: what follows the last slash. */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** Whether a message type may be called so. */
export function isTypeName(name: string): boolean {
  return FULL_NAME.test(name);
}
