import { PassThrough, Readable, Transform, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { pipeSuite } from "../../../test/suites/pipe-suite.ts";
import { Recorder, turn } from "../../../test/suites/support.ts";
import type { Pipe } from "../../core/channel.ts";
import type { RawConnection } from "../../core/wire.ts";
import { type StdioStreams, stdioConnection, stdioListen } from "./stdio.ts";

function pipeOver(streams: StdioStreams): Pipe {
  const { pipe } = stdioConnection(streams);
  if (pipe === undefined) throw new Error("no pipe");
  return pipe;
}

/** Brings bytes in a later turn, as a pipe of the system does; a PassThrough brings them inside of `write`. */
function osPipe(): Transform {
  return new Transform({ transform: (bytes, _encoding, done) => void setImmediate(done, null, bytes) });
}

pipeSuite(
  "stdio",
  () => {
    const there = osPipe();
    const back = osPipe();
    return Promise.resolve({
      near: pipeOver({ input: back, output: there }),
      far: pipeOver({ input: there, output: back }),
      endNear: () => void there.end(),
    });
  },
  { halfClose: true, tellsFull: true, oneByteWrites: 20_000 },
);

describe("standard input and output", () => {
  test("a listener accepts exactly one connection, after the listener is there", async () => {
    const events: string[] = [];
    const accepted: RawConnection[] = [];
    const streams = { input: new PassThrough(), output: new PassThrough() };
    const listener = await stdioListen(streams)((connection) => {
      events.push("accepted");
      accepted.push(connection);
    });
    events.push("listening");
    expect(listener.address).toBe("stdio:");
    await turn();
    expect(events).toEqual(["listening", "accepted"]);
    expect(accepted[0]?.remoteAddress).toBe("stdio:");
    await listener.close();
    accepted[0]?.pipe?.close();
  });

  test("a listener that closes first accepts nobody", async () => {
    const listener = await stdioListen({ input: new PassThrough(), output: new PassThrough() })(() => {
      throw new Error("accepted");
    });
    await listener.close();
    await listener.close();
    await turn();
  });

  test("a link over standard streams is never dialled again", async () => {
    const input = new PassThrough();
    const recorder = new Recorder().open(pipeOver({ input, output: new PassThrough().resume() }));
    input.end("last words");
    await recorder.untilClosed();
    expect(recorder.text).toBe("last words");
    expect(recorder.endings).toBe(1);
    expect(recorder.reason).toEqual({ message: "Closed by this end" });
    recorder.expectSound();
  });

  test("closed waits until the output has taken everything, and frees the input", async () => {
    const taken: (() => void)[] = [];
    const output = new Writable({
      write: (_bytes, _encoding, done) => void taken.push(done),
    });
    const input = new PassThrough();
    const pipe = pipeOver({ input, output });
    const recorder = new Recorder().open(pipe);
    await turn();
    void pipe.write("slow");
    pipe.close();
    await turn();
    expect(recorder.reason).toBeUndefined();
    taken[0]?.();
    await recorder.untilClosed();
    expect(input.destroyed).toBe(true);
    expect(output.writableFinished).toBe(true);
    recorder.expectSound();
  });

  test("a reader that has gone is a close without an error", async () => {
    const output = new Writable({
      write: (_bytes, _encoding, done) => done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
    });
    const pipe = pipeOver({ input: new PassThrough(), output });
    const recorder = new Recorder().open(pipe);
    await turn();
    void pipe.write("into the void");
    await recorder.untilClosed();
    expect(recorder.reason).toEqual({ message: "The other side closed our standard output" });
  });

  test("an input that fails is a close with its cause", async () => {
    const input = new Readable({ read() {} });
    const recorder = new Recorder().open(pipeOver({ input, output: new PassThrough() }));
    await turn();
    const cause = new Error("disk on fire");
    input.destroy(cause);
    await recorder.untilClosed();
    expect(recorder.reason?.message).toBe("The connection failed while reading the standard input: disk on fire");
    expect(recorder.reason?.error).toMatchObject({ code: "unavailable", cause });
  });

  test("an input that somebody else destroys is a close", async () => {
    const input = new PassThrough();
    const recorder = new Recorder().open(pipeOver({ input, output: new PassThrough() }));
    input.destroy();
    await recorder.untilClosed();
    expect(recorder.reason?.message).toBe("The standard input was closed");
  });
});
