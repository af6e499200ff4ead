// Go's gorpc, its client against its server, one handler function for all requests.
import { goProgram } from "../go/build.js";

export const label = "Go gorpc, raw handler";
/** What is sent has a type in main.go, which the mixed values have not. */
export const workloads = ["small", "order"];

export const program = async () => [await goProgram("gorpc"), "raw"];
