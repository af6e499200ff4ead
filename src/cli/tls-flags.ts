import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { Option } from "commander";
import { isSecure } from "./schemes.ts";
import { UsageError } from "./usage.ts";

/** The files that TLS needs, as they stand on the command line. */
export interface TlsFlags {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What is in them. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Whose files they are: of an end that dials, or of one that listens; and how its flags begin. */
export interface TlsEnd {
  readonly role: "client" | "server";
  readonly prefix: "--" | "--listen-";
}

const ABOUT = {
  client: {
    ca: "trust servers that these certificates vouch for (PEM), in place of the public ones",
    cert: "this end's certificate (PEM), for a server that wants one; with its key",
    key: "the private key of the certificate (PEM)",
  },
  server: {
    ca: "let in only clients that these certificates vouch for (PEM)",
    cert: "the certificate of this server (PEM), with its key; addresses of TLS need it",
    key: "the private key of the certificate (PEM)",
  },
} as const;

const NAMES = ["ca", "cert", "key"] as const;

/** Adds `--ca`, `--cert` and `--key`, in a group of the help. */
export function addTlsOptions(command: Command, { role, prefix }: TlsEnd, group: string): Command {
  for (const name of NAMES)
    command.addOption(new Option(`${prefix}${name} <file>`, ABOUT[role][name]).helpGroup(group));
  return command;
}

/**
 * Reads the files that were named, or says `undefined` where no address needs any. Throws `UsageError` for a file that cannot
 * be read, half of a pair, files that no address has a use for, and a server of TLS without a certificate.
 */
export function tlsFilesOf(
  flags: TlsFlags,
  addresses: readonly string[],
  { role, prefix }: TlsEnd,
): TlsFiles | undefined {
  const given = NAMES.find((name) => flags[name] !== undefined);
  const secure = addresses.find(isSecure);
  if (secure === undefined) {
    if (given === undefined) return undefined;
    throw new UsageError(`${prefix}${given} belongs to an address of TLS: tls://, wss://, https:// or grpcs://`);
  }
  const { ca, cert, key } = flags;
  if (role === "server" && cert === undefined) {
    throw new UsageError(`Listening on ${secure} needs a certificate: add ${prefix}cert and ${prefix}key`);
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError(`${prefix}cert and ${prefix}key belong together: give both or neither`);
  }
  if (given === undefined) return undefined;
  return {
    ...(ca !== undefined && { ca: contentOf(ca, `${prefix}ca`) }),
    ...(cert !== undefined && { cert: contentOf(cert, `${prefix}cert`) }),
    ...(key !== undefined && { key: contentOf(key, `${prefix}key`) }),
  };
}

/** What is in a file that a flag names. Throws `UsageError` when it cannot be read. */
export function contentOf(file: string, flag: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UsageError(`Cannot read the file of ${flag}: ${why}`);
  }
}
