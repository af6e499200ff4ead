/** What a shell gives as the status of a program that was ended by SIGPIPE. */
const STATUS = 128 + 13;

/**
 * Ends the process quietly once nobody reads what it prints, as `convoke … | head` wants it; where it cannot be written for
 * another reason, as on a full disk, it says so and exits with 1.
 */
export function endOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // Where stdout is a link, its transport looks after it and ends it in order.
      if (stream.listenerCount("error") > 1) return;
      if (error.code === "EPIPE") process.exit(STATUS);
      if (stream === process.stdout) process.stderr.write(`Cannot write to stdout: ${error.message}\n`);
      process.exit(1);
    });
  }
}
