// Sums vitest's JSON reports and the counts of the check into the closing line of CI.
//   node scripts/count.js <report.json>… [--check <passed> <failed>]
import { existsSync, readFileSync } from "node:fs";

const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    console.log(`There is no report ${file}: its tests did not run`);
    total.failed++;
    continue;
  }
  const report = JSON.parse(readFileSync(file, "utf8"));
  total.passed += report.passed ?? report.numPassedTests;
  total.failed += report.failed ?? report.numFailedTests;
  total.skipped += report.skipped ?? report.numPendingTests + report.numTodoTests;
  for (const suite of report.testResults ?? []) {
    if (suite.status === "failed" && suite.assertionResults.length === 0) total.failed++;
  }
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
