import { defineConfig } from "vitest/config";

/** What measures times or memory: it has the machine to itself, after all others. */
const LOAD = ["test/load/**/*.test.ts"];
/** What takes long and says nothing about a version of Node: random schedules, examples, the command. */
const LONG = [
  "test/**/*schedules*.test.ts",
  "test/schedules/**/*.test.ts",
  "test/*chaos*.test.ts",
  "test/docs.test.ts",
  "test/cli*.test.ts",
  "test/streams-reserved.test.ts",
];
const ALL = ["src/**/*.test.ts", "test/**/*.test.ts"];

const together = { maxWorkers: 2, sequence: { groupOrder: 0 } };
const alone = { maxWorkers: 1, sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    testTimeout: 20_000,
    projects: [
      { extends: true, test: { name: "short", include: ALL, exclude: [...LONG, ...LOAD], ...together } },
      { extends: true, test: { name: "long", include: LONG, ...together } },
      { extends: true, test: { name: "load", include: LOAD, ...alone } },
    ],
  },
});
