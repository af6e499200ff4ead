// Convoke, its own wire over TCP, written as MessagePack.
import { native } from "convoke/node";
import { over } from "../convoke.js";

export const label = "Convoke, native, MessagePack";
export const { listen, dial } = over(() => native({ body: "msgpack" }));
