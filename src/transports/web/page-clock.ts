import { type Clock, systemClock } from "../../core/clock.ts";

/**
 * Real time for a page. While a page is hidden its timers run once a second, later once a minute, and events come as ever: so
 * `now` is read anew there, or a call would have its deadline before its time. And a tick that tells of a pause is followed
 * by one that does not, as soon as the platform lets it: else nothing would ever run out in a hidden page.
 */
export function pageClock(): Clock {
  const clock = systemClock();
  const { tickMs } = clock;
  let latest = 0;
  return {
    get now() {
      const now = globalThis.document?.hidden === true ? clock.exact() : clock.now;
      // The page is shown again, and nothing has ticked yet.
      if (now > latest) latest = now;
      return latest;
    },
    tickMs,
    exact: () => clock.exact(),
    hold: () => clock.hold?.() ?? (() => {}),
    onTick(tick) {
      let isStopped = false;
      const follow = (): void => {
        if (!isStopped) tick(clock.exact(), 0);
      };
      const stop = clock.onTick((now, pausedMs) => {
        if (pausedMs > 0) setTimeout(follow, tickMs);
        tick(now, pausedMs);
      });
      return () => {
        isStopped = true;
        stop();
      };
    },
  };
}
