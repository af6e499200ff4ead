// Convoke, its own wire on one stream of gRPC.
import { native } from "convoke/node";
import { over } from "../convoke.js";

export const label = "Convoke, native over gRPC";
export const { listen, dial } = over(native, "grpc");
