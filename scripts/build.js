// Builds dist/ with the project's own compiler, takes out what has no source any more, and puts the command where npx
// looks first: npm links it before there is anything to link.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

const place = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const { status } = spawnSync(
  process.execPath,
  [place("node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"],
  {
    cwd: place(""),
    stdio: "inherit",
  },
);
if (status !== 0) process.exit(status ?? 1);
for (const file of readdirSync(place("dist"), { recursive: true })) {
  const source = file.replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts");
  if (source !== file && !existsSync(place(`src/${source}`))) rmSync(place(`dist/${file}`));
}
chmodSync(place("dist/cli/main.js"), 0o755);
if (!existsSync(place("node_modules/.bin/convoke"))) {
  symlinkSync("../../dist/cli/main.js", place("node_modules/.bin/convoke"));
}
