import type { Pauses } from "./pauses.ts";
import type { Telemetry } from "./telemetry.ts";

/** `pauses` with the time told of that an index stands still because of them. */
export function watchPauses(pauses: Pauses, telemetry: Telemetry): Pauses {
  return {
    ...pauses,
    async untilResumed(index, signal) {
      const since = pauses.since(index);
      const told = telemetry.of(index);
      if (since !== undefined) told.paused(since);
      try {
        await pauses.untilResumed(index, signal);
      } finally {
        if (since !== undefined) told.resumed();
      }
    },
  };
}
