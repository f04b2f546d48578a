// @ts-types="@types/pg"
import pg from "pg";
import { z } from "zod";

/** A row as text, so that nothing is rounded on its way. */
export type Row = z.infer<typeof Row>;
const Row = z.record(z.string(), z.string().nullable());

/** A connection to the database. */
export interface Session extends AsyncDisposable {
  sql(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** Opens a connection whose values are text. */
export async function openSession(connectionString: string): Promise<Session> {
  const client = new pg.Client({
    connectionString,
    types: { getTypeParser: () => (value: string) => value },
  });
  client.on("error", () => {}); // a server that is stopped is told by the next query
  await client.connect();
  return {
    async sql(text, values = []) {
      // several statements without values give several results, which the types do not say
      const results = [await client.query(text, [...values])].flat();
      return Row.array().parse(results.at(-1)?.rows ?? []);
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
