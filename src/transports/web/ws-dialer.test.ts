import { afterEach, describe, expect, test, vi } from "vitest";
import { linkTerms } from "../../../test/suites/ws-ends.ts";
import type { Dialer } from "../../core/wire.ts";
import { webSocketDialer } from "./ws-dialer.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

const terms = linkTerms();
const never = new AbortController().signal;

class FakeSocket {
  onopen: (() => void) | null = null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null;
  isClosed = false;

  close(): void {
    this.isClosed = true;
  }
}

interface Made {
  readonly dial: Dialer;
  readonly made: { readonly url: string; readonly protocols: string[]; readonly socket: FakeSocket }[];
}

function faked(url: string, options: { readonly protocols?: string[] } = {}): Made {
  const made: Made["made"] = [];
  const dial = webSocketDialer({ url, ...options }, (to, protocols) => {
    const socket = new FakeSocket();
    made.push({ url: to, protocols, socket });
    return socket as unknown as WebSocket;
  });
  return { dial, made };
}

test("a connection is up when the socket is open", async () => {
  const { dial, made } = faked("ws://127.0.0.1:7000/rpc?x=1", { protocols: ["a", "b"] });
  const dialled = dial(never, terms);
  expect(made).toMatchObject([{ url: "ws://127.0.0.1:7000/rpc?x=1", protocols: ["a", "b"] }]);
  made[0]?.socket.onopen?.();
  const { channel, remoteAddress } = await dialled;
  expect(channel).toBeDefined();
  expect(remoteAddress).toBe("127.0.0.1:7000");
});

describe("an attempt that fails", () => {
  test("says what a page can know", async () => {
    vi.stubGlobal("origin", "http://example.org");
    const { dial, made } = faked("ws://127.0.0.1:7000/rpc?token=1");
    const dialled = dial(never, terms);
    made[0]?.socket.onclose?.({ code: 1006, reason: "" });
    await expect(dialled).rejects.toMatchObject({
      code: "unavailable",
      executed: "no",
      wireCode: 1006,
      message:
        "Cannot connect to ws://127.0.0.1:7000/rpc: nobody listens there, nothing is at this path, " +
        "or pages of http://example.org may not (a page is not told which)",
    });
  });

  test("says that the machine is offline, where the platform knows", async () => {
    vi.stubGlobal("navigator", { onLine: false });
    const { dial, made } = faked("ws://127.0.0.1:7000/rpc");
    const dialled = dial(never, terms);
    made[0]?.socket.onclose?.({ code: 1006, reason: "" });
    await expect(dialled).rejects.toThrow("Cannot connect to ws://127.0.0.1:7000/rpc: this machine is offline");
  });

  test("because the platform does not even try says so", async () => {
    const cause = new Error("An insecure WebSocket connection may not be initiated");
    const dial = webSocketDialer({ url: "ws://127.0.0.1:7000/" }, () => {
      throw cause;
    });
    await expect(dial(never, terms)).rejects.toMatchObject({
      code: "failed_precondition",
      cause,
      message: expect.stringContaining("An insecure WebSocket connection"),
    });
  });

  test("by its signal closes the socket and leaves no listener", async () => {
    const { dial, made } = faked("ws://127.0.0.1:7000/rpc");
    const attempt = new AbortController();
    const dialled = dial(attempt.signal, terms);
    attempt.abort(new Error("enough"));
    await expect(dialled).rejects.toThrow("enough");
    expect(made[0]?.socket).toMatchObject({ isClosed: true, onopen: null, onclose: null });
    await expect(dial(attempt.signal, terms)).rejects.toThrow("enough");
    expect(made.length).toBe(1);
  });
});

test("without a class of the platform the attempt says so", async () => {
  vi.stubGlobal("WebSocket", undefined);
  await expect(webSocketDialer({ url: "ws://127.0.0.1:1/" })(never, terms)).rejects.toThrow(/WebSocket/);
});

describe("what cannot be used is refused at once:", () => {
  test.each([
    ["http://example.org/", /Bad address "http:\/\/example.org\/": write ws:/],
    ["ws://example.org/#part", /Bad address/],
    ["nonsense", /Bad address/],
    ["ws://127.0.0.1/rpc#secret", /Bad address/],
    ["wss://ann:pw@example.org/", /A page cannot send the user and password/],
    ["ws://example.org/?token=x", /the query parameter "token" would cross the network as plain text. Use wss/],
  ])("%s", (url, message) => {
    expect(() => faked(url)).toThrow(message);
    expect(() => faked(url)).toThrow(TypeError);
  });

  test("and no password stands in the error", () => {
    expect(() => faked("http://ann:pw@example.org/")).toThrow('Bad address "http://…@example.org/"');
  });

  test.each(["wss://example.org/?token=x", "ws://127.0.0.1/?token=x", "ws://localhost/?token=x"])(
    "but not %s, which leaves no plain text",
    (url) => {
      expect(() => faked(url)).not.toThrow();
    },
  );

  test("but not a token that may be read", () => {
    expect(() => webSocketDialer({ url: "ws://example.org/?token=x", plaintextCredentials: true })).not.toThrow();
  });
});
