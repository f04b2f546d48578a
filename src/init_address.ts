import { readDotenv } from "./config.ts";
import { type PostgresConfig, postgresSchema } from "./config_postgres.ts";
import { EtlError } from "./failure.ts";

/** The variables that config.yaml has, by the keys that they fill in. */
const VARIABLES = {
  host: "DB_HOST",
  port: "DB_PORT",
  database: "DB_NAME",
  user: "DB_USER",
  password: "DB_PASSWORD",
} as const;

const DEFAULTS = { host: "localhost" };

/**
 * Where PostgreSQL is: at `url`, or where variables say, those of `env` before those of `.env` in `folder`.
 * @throws {EtlError} `config-invalid` when the one or the other is not enough. No message quotes them: a password is among them.
 */
export async function readAddress(
  url: string | undefined,
  { env, folder }: {
    env: Readonly<Record<string, string>>;
    folder: string;
  },
): Promise<PostgresConfig> {
  const { values, faults } = await readDotenv(folder, folder);
  if (faults.length > 0) {
    throw new EtlError({ kind: "config-invalid", faults });
  }
  const known = { ...values, ...env };
  const given = Object.entries(VARIABLES).flatMap(([key, name]) =>
    known[name] === undefined || known[name] === "" ? [] : [[key, known[name]]]
  );
  const written = url === undefined
    ? { ...DEFAULTS, ...Object.fromEntries(given) }
    : { url };
  const { data, error } = await postgresSchema(folder).safeParseAsync(written);
  if (data !== undefined) return data;
  const told = error?.issues.map(({ path: [key], message }) => {
    const name = Object.entries(VARIABLES).find(([one]) => one === key)?.[1];
    return name === undefined
      ? `--url: ${message}`
      : Object.hasOwn(written, String(key))
      ? `${name}: ${message}`
      : `${name}: is not set, set it (.env will do), or write --url postgres://USER:PASSWORD@HOST:PORT/DATABASE`;
  });
  throw new EtlError({ kind: "config-invalid", faults: told ?? [] });
}
