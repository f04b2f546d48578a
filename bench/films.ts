/**
 * Fills a database that has the example's schema, and no rows, with films to
 * measure with. The same films on every run. They are made by the server.
 *
 *     deno run -A bench/films.ts postgres://postgres@localhost/bench [COUNT]
 *
 * @module
 */
import pg from "pg";
import { z } from "zod";

/** The command line: where to, and how many films. */
const Arguments = z.tuple([
  z.url({ protocol: /^postgres(ql)?$/ }),
  z.coerce.number().int().min(1).max(10_000_000),
]);

/**
 * Makes `films` films in the database at `url`, all of them or none, and
 * returns the time it took in milliseconds. Throws pg's DatabaseError where
 * the schema is missing or films are there already.
 */
export async function makeFilms(url: string, films: number): Promise<number> {
  const startedMs = performance.now();
  const script = new URL("films.sql", import.meta.url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("begin");
    await client.query("select set_config('bench.films', $1, true)", [films]);
    // Fewer waits for the disk: what is measured comes afterwards.
    await client.query("set local synchronous_commit = off");
    await client.query(await Deno.readTextFile(script));
    await client.query("commit");
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
  return performance.now() - startedMs;
}

if (import.meta.main) {
  const [url, count = "200000"] = Deno.args;
  const given = Arguments.safeParse([url, count]);
  if (given.success) {
    const [target, films] = given.data;
    const seconds = (await makeFilms(target, films) / 1_000).toFixed(1);
    await print(Deno.stdout, `made ${films} films in ${seconds} s`);
  } else {
    await print(
      Deno.stderr,
      "Cannot make films: usage is deno run -A bench/films.ts URL [COUNT], " +
        "with a postgres:// URL and a COUNT of at least 1",
    );
    Deno.exitCode = 2;
  }
}

async function print(
  stream: { write(bytes: Uint8Array): Promise<number> },
  line: string,
): Promise<void> {
  await stream.write(new TextEncoder().encode(`${line}\n`));
}
