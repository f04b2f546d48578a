import { join } from "node:path";

/** A line of a log that holds what no log may hold. */
export interface Leak {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** What is held, cut short. */
  readonly what: string;
}

/** How much of a secret is told. */
const SHOWN = 6;

/** Every line of the files of a folder that holds one of the texts; the files may be larger than memory. */
export async function findLeaks(
  folder: string,
  texts: readonly string[],
): Promise<Leak[]> {
  const leaks: Leak[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const file = join(folder, name);
    let line = 0;
    for await (const text of readLines(file)) {
      line++;
      for (const what of texts) {
        if (!text.includes(what)) continue;
        leaks.push({ file, line, what: `${what.slice(0, SHOWN)}…` });
      }
    }
  }
  return leaks;
}

async function* readLines(file: string): AsyncGenerator<string> {
  const { readable } = await Deno.open(file);
  let rest = "";
  for await (const text of readable.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
