// Convoke, its own wire over TCP.
import { native } from "convoke/node";
import { over } from "../convoke.js";

export const label = "Convoke, native";
export const { listen, dial } = over(native);
