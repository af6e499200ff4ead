// Go's gorpc, its client against its server, with its dispatcher of named functions.
import { goProgram } from "../go/build.js";

export const label = "Go gorpc, dispatcher";
/** What is sent has a type in main.go, which the mixed values have not. */
export const workloads = ["small", "order"];

export const program = async () => [await goProgram("gorpc"), "dispatcher"];
