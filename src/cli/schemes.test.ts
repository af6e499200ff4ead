import { describe, expect, test } from "vitest";
import { isGrpc, isHttp, isOnce, isPoll, isSecure, isStdio, isWebSocket, shownAddress } from "./schemes.ts";

describe("what an address belongs to", () => {
  test.each([
    ["tcp://127.0.0.1:1", ""],
    ["tls://127.0.0.1:1", "secure"],
    ["ws://127.0.0.1:1/", "webSocket"],
    ["WSS://example.org/", "webSocket secure"],
    ["http://127.0.0.1:1/", "http"],
    ["https://example.org/rpc", "http secure"],
    ["poll+http://127.0.0.1:1/", "poll"],
    ["beat+https://example.org/", "poll secure"],
    ["grpc://127.0.0.1:1", "grpc"],
    ["grpcs://127.0.0.1:1", "grpc secure"],
    ["stdio:", "stdio once"],
    ["exec:node tool.js http://x", "once"],
    ["unix:/run/http:.sock", ""],
    ["/run/http.sock", ""],
    ["localhost:7000", ""],
    ["[::1]:7000", ""],
  ])("%s: %s", (address, wanted) => {
    const found = {
      webSocket: isWebSocket,
      http: isHttp,
      poll: isPoll,
      grpc: isGrpc,
      secure: isSecure,
      stdio: isStdio,
      once: isOnce,
    };
    const names = Object.entries(found).flatMap(([name, is]) => (is(address) ? [name] : []));
    expect(names.join(" ")).toBe(wanted);
  });
});

describe("an address as it is printed", () => {
  test.each([
    ["ws://ann:secret@127.0.0.1:7000/path?token=secret", "ws://…@127.0.0.1:7000/path?…"],
    ["https://secret@example.org", "https://…@example.org"],
    ["poll+http://127.0.0.1:7000/path?token=secret", "poll+http://127.0.0.1:7000/path?…"],
    ["http://127.0.0.1:7000/a@b", "http://127.0.0.1:7000/a@b"],
    ["unix:/run/what?.sock", "unix:/run/what?.sock"],
    ["127.0.0.1:7000", "127.0.0.1:7000"],
  ])("%s is %s", (address, shown) => {
    expect(shownAddress(address)).toBe(shown);
  });
});
