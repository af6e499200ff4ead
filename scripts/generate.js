// npm run generate: makes the TypeScript of the messages under proto/. It needs protoc (Debian: protobuf-compiler); what
// it makes is committed, so that building needs neither. With --check: exit 1 when what is committed is not what it makes.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Which room gets the code of which files. */
const ROOMS = {
  "src/codecs/coordinator/generated": ["aperture/rpc/v1/rpc.proto", "google/rpc/status.proto"],
  "src/transports/node/generated": ["convoke/v1/wire.proto", "grpc/health/v1/health.proto"],
};
const place = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const isCheck = process.argv.includes("--check");
let isSame = true;

for (const [room, files] of Object.entries(ROOMS)) {
  const made = mkdtempSync(join(tmpdir(), "convoke-generate-"));
  try {
    generate(made, files);
    if (isCheck) compare(room, made);
    else {
      rmSync(place(room), { recursive: true, force: true });
      mkdirSync(place(room), { recursive: true });
      cpSync(made, place(room), { recursive: true });
    }
  } finally {
    rmSync(made, { recursive: true });
  }
}
process.exit(isSame ? 0 : 1);

function generate(out, files) {
  const plugin = place("node_modules/.bin/protoc-gen-es");
  const { status, error } = spawnSync(
    "protoc",
    [
      `--plugin=protoc-gen-es=${plugin}`,
      `--es_out=${out}`,
      "--es_opt=target=ts,import_extension=ts",
      `--proto_path=${place("proto")}`,
      ...files,
    ],
    { stdio: "inherit" },
  );
  if (status === 0) return;
  console.error(
    error === undefined ? "protoc failed" : `Cannot run protoc: ${error.message}. Install protobuf-compiler`,
  );
  process.exit(1);
}

function compare(room, made) {
  for (const file of readdirSync(made, { recursive: true, encoding: "utf8" })) {
    if (
      !file.endsWith(".ts") ||
      readFileSync(join(made, file), "utf8") === readFileSync(place(join(room, file)), "utf8")
    )
      continue;
    console.error(`${room}/${file} is not what proto/ says: run npm run generate`);
    isSame = false;
  }
}
