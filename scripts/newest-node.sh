#!/usr/bin/env bash
# Runs the short tests (vitest.config.ts) on the newest Node, which comes as an npm package for each platform.
# Usage: newest-node.sh <report.json>
set -u
version=26.10.0
package="node-$(node -p 'process.platform + "-" + process.arch')"
root=$(cd "$(dirname "$0")/.." && pwd)
home="$root/.tmp/node-$version"
newest="$home/node_modules/$package/bin"
if [ ! -x "$newest/node" ]; then
  mkdir -p "$home"
  npm install --prefix "$home" --no-save --no-audit --no-fund "$package@$version" || exit 1
fi
cd "$root" || exit 1
PATH="$newest:$PATH"
node --version
node node_modules/vitest/vitest.mjs run --project short --reporter=default --reporter=json --outputFile.json="$1"
