// Agents in a process of their own.
import { RpcError } from "convoke";
import { jsonrpc } from "convoke/jsonrpc";
import { connect, native } from "convoke/node";
import { answering } from "./answering.js";

const WIRES = { native, jsonrpc };
/** Calls that will never be answered. */
let hanging = 0;

const handlers = {
  echo: (params) => params,
  hang() {
    hanging++;
    return new Promise(() => {});
  },
};

answering({
  /** One agent for each name; `options` are those of `connect`. */
  async connect({ address, names, wire, options }) {
    const dial = (name) => connect(address, { wire: WIRES[wire](), name, handlers, logger: false, ...options });
    await Promise.all(names.map(dial));
  },
  hanging: () => hanging,
  /** Each agent comes and goes so often: in good order, or as if its link were cut. */
  async flap({ address, names, wire, rounds }) {
    const come = async (name, isCut) => {
      let pipe;
      const wrapPipe = (given) => {
        pipe = given;
        return given;
      };
      const client = await connect(address, {
        wire: WIRES[wire](),
        name,
        handlers,
        wrapPipe,
        logger: false,
        redial: false,
      });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      if (isCut) pipe.close({ message: "cut", error: new RpcError("unavailable", "cut") });
      await client.close({ graceMs: isCut ? 0 : 20 });
    };
    const flap = async (name, at) => {
      for (let round = 0; round < rounds; round++) await come(name, (round + at) % 2 === 0);
    };
    await Promise.all(names.map(flap));
  },
});
