import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate and its key. */
export interface Certified {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** What the tests about TLS need; made anew for each run, so that no key is ever committed. */
export interface Certificates {
  readonly ca: Buffer;
  /** For localhost and 127.0.0.1. */
  readonly server: Certified;
  readonly client: Certified;
  /** For localhost and 127.0.0.1, but its time is over. */
  readonly expired: Certified;
  /** For example.org. */
  readonly misnamed: Certified;
  /** Of another authority. */
  readonly stranger: Certified;
}

const HERE = "DNS:localhost,IP:127.0.0.1";

/**
 * Makes them with the openssl command, or says `undefined` where there is none. Under CI that is an error: there the
 * tests must run.
 */
export function makeCertificates(): Certificates | undefined {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
  } catch {
    const advice = "The tests about TLS need the command openssl: apt-get install openssl";
    if (process.env["CI"] === "true") throw new Error(advice);
    process.stderr.write(`Skipped: ${advice}\n`);
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "convoke-tls-"));
  try {
    const path = (name: string): string => join(folder, name);
    const openssl = (...args: string[]): unknown => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
    const key = (name: string): string[] => [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      name,
    ];
    const authority = (name: string): void => {
      openssl("req", "-x509", ...key(`${name}.key`), "-out", `${name}.crt`, "-subj", `/CN=${name}`, "-days", "2");
    };
    const signed = (name: string, by: string, subject: string, names: string, days = "2"): Certified => {
      writeFileSync(path(`${name}.ext`), `subjectAltName=${names}\n`);
      openssl("req", ...key(`${name}.key`), "-out", `${name}.csr`, "-subj", subject);
      const authorityFiles = ["-CA", `${by}.crt`, "-CAkey", `${by}.key`, "-CAcreateserial"];
      openssl(
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        ...authorityFiles,
        "-out",
        `${name}.crt`,
        "-days",
        days,
        "-extfile",
        `${name}.ext`,
      );
      return { cert: readFileSync(path(`${name}.crt`)), key: readFileSync(path(`${name}.key`)) };
    };
    authority("ours");
    authority("theirs");
    return {
      ca: readFileSync(path("ours.crt")),
      server: signed("server", "ours", "/CN=server", HERE),
      client: signed("client", "ours", "/O=Example/CN=ann", "email:ann@example.org,URI:spiffe://example.org/ann"),
      expired: signed("expired", "ours", "/CN=expired", HERE, "-1"),
      misnamed: signed("misnamed", "ours", "/CN=misnamed", "DNS:example.org"),
      stranger: signed("stranger", "theirs", "/CN=stranger", HERE),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
