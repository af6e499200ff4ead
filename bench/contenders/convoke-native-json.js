// Convoke, its own wire over TCP, written as JSON.
import { native } from "convoke/node";
import { over } from "../convoke.js";

export const label = "Convoke, native, JSON";
export const { listen, dial } = over(() => native({ body: "json" }));
