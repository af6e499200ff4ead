import type { Dialer, LinkTerms, RawConnection } from "../core/wire.ts";

/**
 * Dials, and rejects with the signal's reason when it fires, also where the dialer hears no signal. A connection that comes
 * after that is closed.
 */
export async function dialWithin(dial: Dialer, signal: AbortSignal, terms: LinkTerms): Promise<RawConnection> {
  let giveUp = (): void => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason);
  });
  const dialled = dial(signal, terms);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([dialled, givenUp]);
  } catch (thrown) {
    dialled.then((late) => (late.pipe ?? late.channel).close(), nothing);
    throw signal.aborted ? signal.reason : thrown;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function nothing(): void {}
