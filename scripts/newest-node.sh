#!/usr/bin/env bash
# Runs the tests on the newest Node, which comes as an npm package for each platform, but for the long ones: load, random
# schedules, examples and the command say nothing about a version. Usage: newest-node.sh <report.json>
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
node node_modules/vitest/vitest.mjs run --exclude 'test/load/**' --exclude 'test/**/*schedules*' --exclude 'test/schedules/**' \
  --exclude 'test/*chaos*' --exclude 'test/docs.test.ts' --exclude 'test/cli*' --exclude 'test/streams-reserved.test.ts' \
  --reporter=default --reporter=json --outputFile.json="$1"
