import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "./command.ts";
import { findPostgres } from "./postgres_home.ts";

/** The example's database, as the agent reaches it. */
export interface Example {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** All of it in one address. */
  readonly url: string;
}

const DB_FOLDER = join(
  dirname(dirname(fileURLToPath(import.meta.url))),
  "db",
);

/**
 * Makes the example's database on a server by the script that a container runs
 * on its first start; one that is there already is left as it is.
 * Throws what the script says when it fails.
 */
export async function loadExample(
  superuserUrl: string,
  database: string,
): Promise<Example> {
  const { hostname: host, port, username } = new URL(superuserUrl);
  const user = "movies_db_admin";
  const password = "tester100"; // as in .env.example
  const path = [await findPostgres(), Deno.env.get("PATH")].join(delimiter);
  await runCommand(["bash", join(DB_FOLDER, "001_init_user_db.sh")], {
    env: {
      PATH: path,
      PGHOST: host,
      PGPORT: port,
      PGUSER: username,
      POSTGRES_DB: "postgres",
      DB_NAME: database,
      DB_USER: user,
      DB_PASSWORD: password,
    },
  });
  const url = `postgres://${user}:${password}@${host}:${port}/${database}`;
  return { host, port, database, user, password, url };
}
