// @ts-types="@types/cli-progress"
import cliProgress from "cli-progress";

/** What a bar shows. */
export interface BarState {
  /** How much is done, from 0 to 1; without it there is no bar, only its text. */
  readonly share?: number;
  readonly before: string;
  readonly after: string;
}

/** The bars of this process: it has one terminal. */
let bars: cliProgress.MultiBar | undefined;
let barCount = 0;

/** What is left of the screen below the cursor is taken away. */
const CLEAR_DOWN = "\x1b[0J";

/** As a stream of Node: written at once, in the order of the log's lines. */
const STREAM = {
  isTTY: true,
  get columns(): number | undefined {
    try {
      return Deno.consoleSize().columns;
    } catch {
      return undefined; // no terminal any more
    }
  },
  write(text: string): boolean {
    writeBytes(text);
    return true;
  },
} as unknown as NodeJS.WritableStream; // of a stream the library uses these three

/** Whether bars can be drawn on standard error. */
export function hasBars(): boolean {
  return Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
}

/** Writes a line to standard error, above the bars where there are any. What cannot be written is lost. */
export function writeLine(line: string): void {
  if (bars === undefined) return writeBytes(line);
  bars.log(`${CLEAR_DOWN}${line}`);
  bars.update();
}

/** Draws a bar below the log, as `state` says each time, until it is disposed of; no colours. */
export function openBar(state: () => BarState): Disposable {
  bars ??= new cliProgress.MultiBar({
    stream: STREAM,
    format: (options, _, payload) => format(payload.state(), options),
    barCompleteChar: "#",
    barIncompleteChar: "-",
    barsize: 30,
    fps: 2,
    clearOnComplete: true,
    forceRedraw: true, // a line of the log is written over it
    gracefulExit: false, // signals are the agent's
    linewrap: true, // it is cut to the width, and the terminal's mode is left alone
    hideCursor: false,
  }, cliProgress.Presets.legacy);
  barCount++;
  const own = bars;
  const bar = own.create(1, 0, { state });
  return {
    [Symbol.dispose]() {
      barCount--;
      if (barCount > 0) {
        own.remove(bar);
        return;
      }
      own.stop();
      bars = undefined;
    },
  };
}

function format(
  { share, before, after }: BarState,
  options: cliProgress.Options,
): string {
  if (share === undefined) return `${before} ${after}`;
  const { BarFormat } = cliProgress.Format;
  return `${before} [${BarFormat(share, options)}] ${after}`;
}

/** A log that cannot be written must not stop the agent: then the text is lost. */
function writeBytes(text: string): void {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) {
      bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
    }
  } catch {
    // nowhere is left to tell it
  }
}
