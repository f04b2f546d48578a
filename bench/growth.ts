import { showStep } from "../dev/progress.ts";
import { loadOnce } from "./agent_load.ts";
import type { Lab } from "./lab.ts";
import type { Options } from "./options.ts";
import type { Results } from "./statistics.ts";

/** Loads each size in turn, and compares each with the one before it. */
export async function measureGrowth(
  lab: Lab,
  { growthSizes, repeat, settings }: Options,
  results: Results,
): Promise<void> {
  for (let round = 1; round <= repeat; round++) {
    let before: { films: number; seconds: number } | undefined;
    for (const films of growthSizes) {
      const dataset = await lab.openDataset(films);
      const what = `Growth, ${films} films, round ${round} of ${repeat}`;
      const load = await showStep(
        what,
        () => loadOnce(lab, { dataset, settings }),
      );
      const { loadedSeconds: seconds, peakBytes } = load;
      results.add(`Load of ${films} films`, "s", seconds);
      results.add(
        `Load of ${films} films, peak memory`,
        "MiB",
        peakBytes / 2 ** 20,
      );
      if (before !== undefined) {
        results.add(
          `Load of ${films} / ${before.films} films`,
          "×",
          seconds / before.seconds,
        );
      }
      before = { films, seconds };
    }
  }
}
