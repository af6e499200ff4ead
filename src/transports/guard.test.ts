import { describe, expect, test } from "vitest";
import { Guard, type GuardOptions, isLoopback, plaintextCredential, type Visit } from "./guard.ts";

const LOCAL: Visit = {
  host: "127.0.0.1:7000",
  origin: undefined,
  secure: false,
  localAddress: "127.0.0.1",
  localPort: 7000,
};

function verdict(visit: Partial<Visit>, options?: GuardOptions): "in" | string {
  return new Guard(options).refuses({ ...LOCAL, ...visit }) ?? "in";
}

describe("on loopback, by default", () => {
  test.each(["127.0.0.1:7000", "localhost:7000", "LOCALHOST:7000", "localhost.:7000", "[::1]:7000"])(
    "Host %s is welcome, without an origin and with one of each loopback name",
    (host) => {
      expect(verdict({ host })).toBe("in");
      for (const origin of ["http://localhost:7000", "http://127.0.0.1:7000", "http://[::1]:7000"])
        expect(verdict({ host, origin })).toBe("in");
    },
  );

  test.each([
    ["a name that was pointed here (DNS rebinding)", "evil.example:7000"],
    ["a name under localhost's own", "localhost.evil.example:7000"],
    ["a wrong port", "localhost:7001"],
    ["no port", "localhost"],
    ["the address of nowhere", "0.0.0.0:7000"],
    ["another address", "192.0.2.1:7000"],
  ])("Host with %s is refused, and the text says which option would allow it", (_, host) => {
    expect(verdict({ host })).toContain("option hosts");
    expect(verdict({ host, origin: "http://localhost:7000" })).toContain("option hosts");
  });

  test.each(["", "a b", "user@localhost:7000", "localhost:7000/path", "[::1", "localhost:port", "a,b"])(
    "Host %j is refused",
    (host) => expect(verdict({ host })).not.toBe("in"),
  );

  test("a request without Host is refused", () => {
    expect(verdict({ host: undefined })).toContain("Host header");
  });

  test.each([
    ["null"],
    [""],
    ["http://evil.example"],
    ["http://evil.example:7000"],
    ["http://localhost:3000"],
    ["http://localhost"],
    ["http://localhost:7000, http://localhost:7000"],
    ["http://localhost:7000/"],
    ["file://"],
    ["chrome-extension://abcdef"],
    ["localhost:7000"],
  ])("Origin %j is refused, and the text says which option would allow it", (origin) => {
    expect(verdict({ origin })).toContain("option origins");
  });

  test("a browser that tells of another page, but of no origin, is refused", () => {
    expect(verdict({ fetchSite: "cross-site" })).toContain("another web page");
    expect(verdict({ fetchSite: "same-site" })).toContain("another web page");
    expect(verdict({ fetchSite: "none" })).toBe("in");
    expect(verdict({ fetchSite: "same-origin" })).toBe("in");
    expect(verdict({ fetchSite: "cross-site" }, { origins: ["*"] })).toBe("in");
  });

  test("the usual port may be left out where it is the real one", () => {
    expect(verdict({ host: "localhost", localPort: 80, origin: "http://localhost" })).toBe("in");
    expect(verdict({ host: "localhost", localPort: 443, secure: true, origin: "https://localhost" })).toBe("in");
    expect(verdict({ host: "localhost:80", localPort: 80 })).toBe("in");
  });

  test("over TLS a page that came as plain text is refused", () => {
    expect(verdict({ secure: true, origin: "https://localhost:7000" })).toBe("in");
    expect(verdict({ secure: true, origin: "http://localhost:7000" })).toContain("option origins");
  });
});

describe("elsewhere", () => {
  const far = { localAddress: "192.0.2.7" };

  test("the literal address of the socket is welcome, also when it came through an IPv6 socket, and loopback names are not", () => {
    expect(verdict({ ...far, host: "192.0.2.7:7000" })).toBe("in");
    expect(verdict({ localAddress: "::ffff:192.0.2.7", host: "192.0.2.7:7000" })).toBe("in");
    expect(verdict({ localAddress: "2001:db8::7", host: "[2001:DB8::7]:7000" })).toBe("in");
    expect(verdict({ localAddress: "fe80::1%eth0", host: "[fe80::1]:7000" })).toBe("in");
    expect(verdict({ ...far, host: "192.0.2.7:7001" })).toContain("option hosts");
    expect(verdict({ ...far, host: "localhost:7000" })).toContain("option hosts");
    expect(verdict({ ...far, host: "192.0.2.7:7000", origin: "http://192.0.2.7:7000" })).toBe("in");
  });

  test("names are welcome when they are listed, with the usual port or the real one", () => {
    const options = { hosts: ["Example.org", "other.example:8443"] };
    for (const host of ["example.org", "example.org:7000", "example.org:443", "example.org:80", "other.example:8443"])
      expect(verdict({ ...far, host }, options)).toBe("in");
    for (const host of ["example.org:9000", "other.example", "other.example:7000", "sub.example.org"])
      expect(verdict({ ...far, host }, options)).toContain("option hosts");
  });

  test("pages of listed hosts are welcome, also where a proxy does TLS, and pages on other ports of them are not", () => {
    const options = { hosts: ["example.org"] };
    const host = "example.org";
    expect(verdict({ ...far, host, origin: "https://example.org" }, options)).toBe("in");
    expect(verdict({ ...far, host, origin: "http://example.org:3000" }, options)).toContain("option origins");
  });

  test("listed origins are welcome, null only as one of them", () => {
    const options = { origins: ["https://App.example:443", "null", "chrome-extension://abcdef"] };
    for (const origin of ["https://app.example", "null", "chrome-extension://abcdef"])
      expect(verdict({ origin }, options)).toBe("in");
    expect(verdict({ origin: "https://app.example:8443" }, options)).toContain("option origins");
    expect(verdict({ origin: "https://evil.example" }, { origins: ["*"] })).toBe("in");
    expect(verdict({ origin: "null" }, { origins: ["https://app.example"] })).toContain("option origins");
  });

  test("any host can be asked for, and origins are judged all the same", () => {
    expect(verdict({ host: "whatever.example:1" }, { hosts: ["*"] })).toBe("in");
    const host = "whatever.example:1";
    expect(verdict({ host, origin: "http://whatever.example:1" }, { hosts: ["*"] })).toBe("in");
    for (const origin of ["null", "http://evil.example", "http://whatever.example", "http://127.0.0.1:7000"])
      expect(verdict({ host, origin }, { hosts: ["*"] })).toContain("option origins");
  });

  test("on a Unix socket localhost is welcome with any port", () => {
    const unix = { localAddress: undefined, localPort: undefined };
    expect(verdict({ ...unix, host: "localhost" })).toBe("in");
    expect(verdict({ ...unix, host: "evil.example" })).toContain("option hosts");
  });
});

test("what a client sent is escaped in the text", () => {
  expect(verdict({ host: "a\u001b[31m\r\nb" })).toBe('"a\\u001b[31m\\u000d\\u000ab" is no host');
  expect(verdict({ origin: `http://${"x".repeat(5000)}` }).length).toBeLessThan(400);
});

test.each(["https://example.org", "example.org/path", "", "a b"])("%j is no entry of hosts", (host) => {
  expect(() => new Guard({ hosts: [host] })).toThrow(TypeError);
});

test.each(["example.org", "https://example.org/", "https://", ""])("%j is no entry of origins", (origin) => {
  expect(() => new Guard({ origins: [origin] })).toThrow(TypeError);
});

test.each<[keyof GuardOptions, string]>([
  ["hosts", "*.example.org"],
  ["hosts", "*:8443"],
  ["hosts", "**"],
  ["origins", "https://*.example.org"],
  ["origins", "https://*"],
  ["origins", "*://app.example.org"],
])("%s has no place for %s, which would match nothing", (option, entry) => {
  const guard = (): Guard => new Guard({ [option]: ["*", entry] });
  expect(guard).toThrow(TypeError);
  expect(guard).toThrow(`Bad entry "${entry}" in ${option}: only * alone stands for any, so list each name`);
});

test("loopback is known by its names and addresses", () => {
  for (const host of ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
    expect(isLoopback(host)).toBe(true);
  for (const host of ["example.org", "127.0.0.1.evil.example", "0.0.0.0", "::", "localhost.evil.example"])
    expect(isLoopback(host)).toBe(false);
});

describe("credentials in plain text", () => {
  const named = (url: string, headers: Record<string, string> = {}): string | undefined =>
    plaintextCredential(new URL(url), headers);

  test.each([
    ["ws://ann:secret@example.org/", {}, "password"],
    ["ws://example.org/", { Authorization: "Bearer x" }, "Authorization"],
    ["http://example.org/", { COOKIE: "a=b" }, "COOKIE"],
    ["http://example.org/", { "x-api-key": "x" }, "x-api-key"],
    ["ws://example.org/?a=b&access_token=x", {}, "access_token"],
  ])("%s with %o is named", (url, headers, what) => expect(named(url, headers)).toContain(what));

  test.each([
    ["wss://ann:secret@example.org/", { authorization: "Bearer x" }],
    ["ws://ann:secret@localhost/", { authorization: "Bearer x" }],
    ["ws://127.0.0.1:7000/?token=x", {}],
    ["ws://[::1]:7000/?token=x", {}],
    ["ws://example.org/?a=token", { "user-agent": "x" }],
  ])("%s with %o has none", (url, headers) => expect(named(url, headers)).toBeUndefined());
});
