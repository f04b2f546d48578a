import pLimit from "p-limit";
import type { IndexTelemetry } from "./telemetry.ts";

/** Who may write to the index that is searched: one at a time, in the order in which they come. */
export interface Turns {
  /** Runs what the index itself is to do; until its turn comes it waits for what is done beside. */
  own<Result>(action: () => Promise<Result>): Promise<Result>;
  /** Runs what an index beside it is to do, while the index itself does nothing. */
  beside<Result>(action: () => Result | Promise<Result>): Promise<Result>;
}

/** Opens the turns of one index of the configuration. */
export function openTurns(
  telemetry: Pick<IndexTelemetry, "awaitBeside">,
): Turns {
  const inTurn = pLimit(1);
  return {
    own(action) {
      const wait = telemetry.awaitBeside();
      return inTurn(() => {
        wait[Symbol.dispose]();
        return action();
      });
    },
    beside: (action) => inTurn(action),
  };
}
