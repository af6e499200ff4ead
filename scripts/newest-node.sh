#!/usr/bin/env bash
# Runs the tests on the newest Node, which comes as the npm package "node". Usage: newest-node.sh <report.json>
set -u
version=26.10.0
root=$(cd "$(dirname "$0")/.." && pwd)
home="$root/.tmp/node-$version"
if [ ! -x "$home/node_modules/node/bin/node" ]; then
  mkdir -p "$home"
  npm install --prefix "$home" --no-save --no-audit --no-fund "node@$version" || exit 1
fi
cd "$root" || exit 1
PATH="$home/node_modules/node/bin:$PATH"
node --version
node node_modules/vitest/vitest.mjs run --reporter=default --reporter=json --outputFile.json="$1"
