import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Address, formatAddress, guessKind, parseAddress, type WebAddress, webPlace } from "./address.ts";

describe("an address without a scheme is guessed as jrpc2 does", () => {
  test.each([":80", ":dumb-crud", "localhost:80", "localhost:http"])("case 232: %j is tcp", (text) => {
    expect(guessKind(text)).toBe("tcp");
  });

  test.each(["", ":", "nothing", "like/a/file", "no-port:", "file/with:port", "path/with:404", "mangled:@3"])(
    "case 233: %j is unix",
    (text) => {
      expect(guessKind(text)).toBe("unix");
    },
  );

  test.each([
    [":80", { kind: "tcp", host: "127.0.0.1", port: 80 }],
    ["localhost:80", { kind: "tcp", host: "localhost", port: 80 }],
    ["localhost:http", { kind: "tcp", host: "localhost", port: 80 }],
    ["example.org:https", { kind: "tcp", host: "example.org", port: 443 }],
    ["[::1]:80", { kind: "tcp", host: "::1", port: 80 }],
    [":", { kind: "unix", path: ":" }],
    ["nothing", { kind: "unix", path: "nothing" }],
    ["like/a/file", { kind: "unix", path: "like/a/file" }],
    ["/tmp/a%20b?c#d", { kind: "unix", path: "/tmp/a%20b?c#d" }],
    ["no-port:", { kind: "unix", path: "no-port:" }],
    ["file/with:port", { kind: "unix", path: "file/with:port" }],
    ["path/with:404", { kind: "unix", path: "path/with:404" }],
    ["mangled:@3", { kind: "unix", path: "mangled:@3" }],
    ["./stdio", { kind: "unix", path: "./stdio" }],
  ])("%j", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });
});

describe("an address with a scheme", () => {
  test.each([
    ["tcp://127.0.0.1:7000", { kind: "tcp", host: "127.0.0.1", port: 7000 }],
    ["TCP://Host-1.example:7000/", { kind: "tcp", host: "Host-1.example", port: 7000 }],
    ["tcp://:7000", { kind: "tcp", host: "127.0.0.1", port: 7000 }],
    ["tcp://[::1]:0", { kind: "tcp", host: "::1", port: 0 }],
    ["tcp://[fe80::1%eth0]:1", { kind: "tcp", host: "fe80::1%eth0", port: 1 }],
    ["tcp://localhost:http", { kind: "tcp", host: "localhost", port: 80 }],
    ["tls://example.org:7000", { kind: "tls", host: "example.org", port: 7000 }],
    ["grpc://127.0.0.1:7100", { kind: "grpc", host: "127.0.0.1", port: 7100 }],
    ["grpc://[::1]:7100/", { kind: "grpc", host: "::1", port: 7100 }],
    ["grpcs://controller.example:7100", { kind: "grpcs", host: "controller.example", port: 7100 }],
    ["ws://127.0.0.1:7200", { kind: "ws", url: "ws://127.0.0.1:7200/" }],
    ["WSS://Example.org/a?token=x", { kind: "wss", url: "wss://example.org/a?token=x" }],
    ["http://:7200/rpc", { kind: "http", url: "http://127.0.0.1:7200/rpc" }],
    ["http://ann:secret@:7200/", { kind: "http", url: "http://ann:secret@127.0.0.1:7200/" }],
    ["https://[::1]:7200/rpc", { kind: "https", url: "https://[::1]:7200/rpc" }],
    ["unix:/tmp/s", { kind: "unix", path: "/tmp/s" }],
    ["unix:///tmp/s", { kind: "unix", path: "/tmp/s" }],
    ["unix:relative/s", { kind: "unix", path: "relative/s" }],
    ["unix:/tmp/a%20b%3Fc%25", { kind: "unix", path: "/tmp/a b?c%" }],
    ["unix:a:b@c", { kind: "unix", path: "a:b@c" }],
    ["stdio:", { kind: "stdio" }],
    ["stdio://", { kind: "stdio" }],
    ["exec:node", { kind: "exec", command: "node", args: [] }],
    ["exec:/usr/bin/env node 'a b' --x", { kind: "exec", command: "/usr/bin/env", args: ["node", "a b", "--x"] }],
    ["exec:sh -c 'a?b#c%20'", { kind: "exec", command: "sh", args: ["-c", "a?b#c%20"] }],
  ])("%j", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });
});

describe("an address that cannot be read says what is wrong and how to write it", () => {
  test.each([
    [
      "",
      "The address is empty: write tcp://host:port, tls://host:port, grpc://host:port, grpcs://host:port, ws://host:port/path, wss://host:port/path, http://host:port/path, https://host:port/path, poll+http://host:port/path, poll+https://host:port/path, beat+http://host:port/path, beat+https://host:port/path, unix:/path, stdio:, exec:program args, host:port or a path",
    ],
    [
      "foo://bar:1",
      'Bad address "foo://bar:1": the scheme "foo" is unknown. Write tcp://host:port, tls://host:port, grpc://host:port, grpcs://host:port, ws://host:port/path, wss://host:port/path, http://host:port/path, https://host:port/path, poll+http://host:port/path, poll+https://host:port/path, beat+http://host:port/path, beat+https://host:port/path, unix:/path,',
    ],
    ["constructor://x", 'the scheme "constructor" is unknown'],
    [":dumb-crud", 'the port "dumb-crud" is not known by name here, write its number. Write host:port'],
    ["localhost:70000", "70000 is no port: they end at 65535"],
    ["::1", "an IPv6 address must stand in brackets"],
    ["tcp://::1:80", "an IPv6 address must stand in brackets"],
    ["tcp://[::x]:80", '"::x" is no IPv6 address'],
    ["tcp://7000", 'Bad address "tcp://7000": the port is missing. Write tcp://host:port'],
    ["tcp://host:", "the port is missing"],
    ["tcp:host:80", "the two slashes are missing"],
    ["tcp://host", "the port is missing"],
    ["tcp://[::1]", "the port is missing"],
    ["grpc://host", 'Bad address "grpc://host": the port is missing. Write grpc://host:port'],
    ["grpcs://host:80/path", 'the path "/path" is not understood there'],
    ["tcp://", "the port is missing"],
    ["tcp://[::1]80", "the port is missing"],
    ["tcp://[::1]80:90", "an IPv6 address must stand in brackets"],
    ["tcp://host:-1", 'the port "-1" is not known'],
    ["tcp://host:1.5", 'the port "1.5" is not known'],
    ["tcp://ho st:80", '"ho st" is no host name'],
    ["tcp://host:80/path", 'the path "/path" is not understood there'],
    ["tcp://host:80?x=1", '"?x=1" is not understood there'],
    ["tcp://host:80/#x", '"#x" is not understood there'],
    ["ws:host:80", "the two slashes are missing. Write ws://host:port/path"],
    ["ws://", "it is no URL"],
    ["http://host:99999", "it is no URL"],
    ["https://host/a#b", "a fragment is not understood there"],
    ["unix:", "the path is missing. Write unix:/path"],
    ["unix://", "the path is missing"],
    ["unix://host/path", "a host is not understood there"],
    ["unix:/path?x=1", "a query is not understood there"],
    ["unix:/a%2", "write %25 for %"],
    ["unix:/a%00", "a path must not contain NUL"],
    ["a\0b", "a path must not contain NUL"],
    ["stdio:x", "nothing may follow. Write stdio:"],
    ["exec:", "the program is missing. Write exec:program args"],
    ["exec:''", "the program is missing"],
    ["exec:///bin/sh", "a program is named without the two slashes"],
    ["exec:a 'b", "not closed"],
    ["tcp://ho\u001b[31mst:80", "\\u001b"],
  ])("%j", (text, message) => {
    expect(() => parseAddress(text)).toThrow(TypeError);
    expect(() => parseAddress(text)).toThrow(message);
  });

  test.each([
    "tcp://ann:secret@host:80",
    "ann:secret@host:80",
    "tcp://ann:sec@ret@host:80",
    "redis://ann:secret@host",
    "ws://ann:secret@host:x",
  ])("%j, whose password is not repeated", (text) => {
    expect(() => parseAddress(text)).toThrow(TypeError);
    expect(() => parseAddress(text)).not.toThrow(/ann|sec|ret/);
  });
});

describe("webPlace says where to listen", () => {
  const placeOf = (text: string): unknown => webPlace(parseAddress(text) as WebAddress);

  test.each([
    ["ws://127.0.0.1:7200", { host: "127.0.0.1", port: 7200, path: "/" }],
    ["wss://example.org/a", { host: "example.org", port: 443, path: "/a" }],
    ["http://[::1]/rpc", { host: "::1", port: 80, path: "/rpc" }],
    ["https://:0", { host: "127.0.0.1", port: 0, path: "/" }],
  ])("%j", (text, place) => {
    expect(placeOf(text)).toEqual(place);
  });

  test.each([
    ["ws://host:1/?a=b", '"?a=b" is not understood where a server listens'],
    ["http://ann:secret@host:1/", "no user and no password"],
  ])("%j is refused", (text, message) => {
    expect(() => placeOf(text)).toThrow(message);
    expect(() => placeOf(text)).not.toThrow(/secret/);
  });
});

describe("formatAddress", () => {
  test.each([
    ["tcp://127.0.0.1:7000", { kind: "tcp", host: "127.0.0.1", port: 7000 }],
    ["tcp://[::1]:7000", { kind: "tcp", host: "::1", port: 7000 }],
    ["tls://[::1]:7000", { kind: "tls", host: "::1", port: 7000 }],
    ["wss://[::1]:7000/a?b=c", { kind: "wss", url: "wss://[::1]:7000/a?b=c" }],
    ["unix:/tmp/s", { kind: "unix", path: "/tmp/s" }],
    ["unix:relative", { kind: "unix", path: "relative" }],
    ["unix:/a%25b%3Fc%23", { kind: "unix", path: "/a%b?c#" }],
    ["unix:%2F/double", { kind: "unix", path: "//double" }],
    ["stdio:", { kind: "stdio" }],
    ["exec:node 'a b'", { kind: "exec", command: "node", args: ["a b"] }],
  ] as const)("%j", (text, address) => {
    expect(formatAddress(address)).toBe(text);
    expect(parseAddress(text)).toEqual(address);
  });

  test("what it writes is read back as it was", () => {
    const text = fc.string({ minLength: 1 }).filter((each) => !each.includes("\0"));
    const program = fc.string({ minLength: 1 }).filter((each) => !each.startsWith("//"));
    const address: fc.Arbitrary<Address> = fc.oneof(
      fc.record({ kind: fc.constant("tcp" as const), host: fc.domain(), port: fc.nat(65_535) }),
      fc.record({ kind: fc.constant("tcp" as const), host: fc.ipV6(), port: fc.nat(65_535) }),
      fc.record({ kind: fc.constant("unix" as const), path: text }),
      fc.record({ kind: fc.constant("exec" as const), command: program, args: fc.array(fc.string()) }),
    );
    fc.assert(
      fc.property(address, (each) => {
        expect(parseAddress(formatAddress(each))).toEqual(each);
      }),
    );
  });

  test("any text is either read or refused with a TypeError", () => {
    const scheme = fc.constantFrom("", "tcp://", "unix:", "exec:", "stdio:", "x://");
    fc.assert(
      fc.property(scheme, fc.string({ unit: "binary" }), (prefix, text) => {
        try {
          parseAddress(prefix + text);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
