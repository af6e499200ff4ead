/** Answers the questions of a `LoadProcess`: `answers` has a function for each. The end of the test is the end of the process. */
export function answering(answers) {
  process.on("message", async ({ what, ...details }) => {
    try {
      process.send({ value: await answers[what](details) });
    } catch ({ stack }) {
      process.send({ error: stack });
    }
  });
  process.on("disconnect", () => process.exit());
}
