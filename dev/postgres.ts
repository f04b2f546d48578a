import { dirname, join } from "node:path";
import { fileExists, isRoot, runCommand } from "./command.ts";
import { openFolder } from "./folder.ts";
import { freePort } from "./port.ts";
import { findPostgres } from "./postgres_home.ts";
import { type ServerProcess, startProcess } from "./server_process.ts";
import { readVersions } from "./server_versions.ts";

/** How a PostgreSQL is started. */
export interface PostgresOptions {
  /** The folder for data and log; data that is there already is used. */
  readonly folder: string;
  /** A port of 127.0.0.1; a free one unless given. */
  readonly port?: number;
  /** Settings of postgresql.conf beside {@linkcode DEFAULT_SETTINGS}. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL of this process; disposing of it stops it and keeps its data. */
export interface PostgresServer extends AsyncDisposable {
  /** The superuser's address; he needs no password, all others do. */
  readonly url: string;
  /** The port of 127.0.0.1, the same over stop and start. */
  readonly port: number;
  /** Where its data is. */
  readonly dataFolder: string;
  /** Stops it: `fast` ends sessions in order, `immediate` is a crash. Does nothing when it is stopped. */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** Starts it again. Does nothing when it runs. */
  start(): Promise<void>;
}

/** What makes a server quick to start and fit for every test; its data would not survive a power cut. */
export const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  fsync: "off",
  "full_page_writes": "off",
  "wal_level": "logical",
  "max_connections": "200",
  "max_replication_slots": "50",
  "max_wal_senders": "50",
  "wal_writer_delay": "10ms",
  "max_prepared_transactions": "20",
  "password_encryption": "scram-sha-256", // md5 before PostgreSQL 14
};

/**
 * Starts a PostgreSQL on 127.0.0.1, and installs it first where it is missing.
 * Throws one line that says what to do when that is not possible.
 */
export async function startPostgres(
  options: PostgresOptions,
): Promise<PostgresServer> {
  const binaries = await findPostgres(readVersions().postgres);
  const folder = await openFolder(options.folder);
  const dataFolder = join(folder, "data");
  const port = options.port ?? freePort();
  let running: ServerProcess | undefined;

  async function start(): Promise<void> {
    running ??= await startProcess({
      name: "PostgreSQL",
      folder,
      words: [
        join(binaries, "postgres"),
        "-D",
        dataFolder,
        ...settingArguments({
          ...DEFAULT_SETTINGS,
          "listen_addresses": "127.0.0.1",
          "unix_socket_directories": "",
          ...options.settings,
          port: String(port),
        }),
      ],
      user: "postgres",
      endSignal: "SIGINT",
      isReady: (pid) => isReady(dataFolder, pid),
    });
  }
  async function stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    await running?.end(mode === "fast" ? "SIGINT" : "SIGQUIT");
    running = undefined;
  }

  if (!await fileExists(join(dataFolder, "PG_VERSION"))) {
    await createData(binaries, dataFolder);
  }
  await start();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    url,
    port,
    dataFolder,
    stop,
    start,
    [Symbol.asyncDispose]: () => stop(),
  };
}

async function createData(binaries: string, folder: string): Promise<void> {
  const user = "postgres";
  // a run that was killed on the way here leaves a folder without PG_VERSION
  if (await fileExists(folder)) await Deno.remove(folder, { recursive: true });
  await Deno.mkdir(folder, { mode: 0o700 });
  if (isRoot()) await runCommand(["chown", user, folder]);
  const locale = ["--encoding=UTF8", "--locale=C", "--lc-messages=C"];
  const words = [join(binaries, "initdb"), "-D", folder, "-U", user];
  await runCommand([...words, ...locale, "--auth=trust", "--no-sync"], {
    user,
    cwd: dirname(folder),
  });
  await Deno.writeTextFile(join(folder, "pg_hba.conf"), ACCESS);
}

// a wrong password must fail in a test as it does in production
const ACCESS = `host all,replication postgres 127.0.0.1/32 trust
host all,replication all 127.0.0.1/32 scram-sha-256
`;

function settingArguments(
  settings: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [
    "-c",
    `${name}=${value}`,
  ]);
}

/** Whether postmaster.pid says so, and is not the one that a killed server left. */
async function isReady(dataFolder: string, pid: number): Promise<boolean> {
  try {
    const text = await Deno.readTextFile(join(dataFolder, "postmaster.pid"));
    const lines = text.split("\n");
    return lines[0] === String(pid) && lines[7]?.trim() === "ready";
  } catch {
    return false; // not written yet
  }
}
