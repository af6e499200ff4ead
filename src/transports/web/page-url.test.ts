import { afterEach, describe, expect, test, vi } from "vitest";
import { pageUrl } from "./page-url.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

const at = (href: string): void => {
  vi.stubGlobal("location", { href });
};

describe("an address without a scheme", () => {
  test.each([
    ["http://example.org/app/page.html?x=1#top", "/rpc", "ws://example.org/rpc"],
    ["http://example.org/app/page.html", "rpc?a=1", "ws://example.org/app/rpc?a=1"],
    ["https://example.org:8443/app/", "/rpc", "wss://example.org:8443/rpc"],
    ["https://example.org/", "//other.example/rpc", "wss://other.example/rpc"],
    ["blob:https://example.org/1f2e-3d", "/rpc", "wss://example.org/rpc"],
    ["http://example.org:8080/app/", "poll:/rpc?x=1", "poll+http://example.org:8080/rpc?x=1"],
    ["https://example.org/app/", "beat:rpc", "beat+https://example.org/app/rpc"],
    ["https://example.org/", "poll:https://other.example/rpc", "poll+https://other.example/rpc"],
  ])("on %s, %s is %s", (page, address, url) => {
    at(page);
    expect(pageUrl(address).href).toBe(url);
  });

  test.each(["file:///home/page.html", "about:blank"])("is never a WebSocket on %s", (page) => {
    at(page);
    if (page.startsWith("file")) expect(pageUrl("/rpc").protocol).toBe("file:");
    else expect(() => pageUrl("/rpc")).toThrow(/Bad address "\/rpc": write/);
  });

  test("is none where there is no page", () => {
    vi.stubGlobal("location", undefined);
    expect(() => pageUrl("/rpc")).toThrow(TypeError);
    expect(() => pageUrl("poll:/rpc")).toThrow('Bad address "poll:/rpc"');
  });
});

test("an address with a scheme stays as it is", () => {
  at("https://example.org/");
  for (const url of [
    "ws://127.0.0.1:7000/rpc",
    "wss://example.org/",
    "poll+http://example.org/",
    "http://example.org/",
  ])
    expect(pageUrl(new URL(url)).href).toBe(url);
});
