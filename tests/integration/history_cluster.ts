import { join } from "node:path";
import { fileExists, runCommand } from "../../dev/command.ts";
import { type PostgresServer, startPostgres } from "../../dev/postgres.ts";
import { findPostgres } from "../../dev/postgres_home.ts";
import { readVersions } from "../../dev/server_versions.ts";
import { openSession, type Session } from "./world.ts";

/** A folder for clusters of one test. */
export async function openClusterFolder(): Promise<
  AsyncDisposable & { readonly path: string }
> {
  const path = await Deno.makeTempDir({ prefix: "pg2es_cluster_" });
  await Deno.chmod(path, 0o755); // the server runs by another account
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** A hot standby, which follows a primary. */
export interface Standby extends AsyncDisposable {
  readonly port: number;
  /** Waits until everything that the primary has written is here. */
  catchUp(): Promise<void>;
  /** Stops following; what the primary writes from now on is lost by the promotion. */
  cut(): Promise<void>;
  /** Ends recovery on a timeline of its own, and starts as a primary on this port. */
  promote(port: number): Promise<PostgresServer>;
}

/** Makes a standby of `primary` in `folder`, by pg_basebackup. */
export async function startStandby(
  primary: PostgresServer,
  folder: string,
): Promise<Standby> {
  const binaries = await findPostgres(readVersions().postgres);
  const data = join(folder, "data");
  await copyCluster(primary, folder);
  const server = await startPostgres({ folder });
  return {
    port: server.port,
    async catchUp() {
      await using source = await openSession(primary.url);
      const [row] = await source.sql(
        "select pg_current_wal_lsn()::text as lsn",
      );
      await using session = await openSession(server.url);
      await untilTrue(
        session,
        `select pg_last_wal_replay_lsn() >= '${row?.["lsn"]}' as is_true`,
      );
    },
    async cut() {
      await using session = await openSession(server.url);
      await session.sql("alter system set primary_conninfo = ''");
      await session.sql("select pg_reload_conf()");
      await untilTrue(
        session,
        "select not exists (select from pg_stat_wal_receiver) as is_true",
      );
    },
    async promote(port) {
      await runCommand(
        [join(binaries, "pg_ctl"), "promote", "-w", "-D", data],
        {
          user: "postgres",
          cwd: folder,
        },
      );
      await server.stop();
      return await startPostgres({ folder, port });
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Copies the database `name` by pg_dump to another cluster. */
export async function dumpTo(
  other: PostgresServer,
  { from, name, folder }: {
    from: PostgresServer;
    name: string;
    folder: string;
  },
): Promise<void> {
  const binaries = await findPostgres(readVersions().postgres);
  const file = join(folder, "dump.sql");
  await runCommand([
    join(binaries, "pg_dump"),
    ...["--create", "--file", file, `--dbname=${withDatabase(from.url, name)}`],
  ]);
  await runCommand([
    join(binaries, "psql"),
    ...["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"],
    ...["--file", file, other.url],
  ]);
}

/** Copies the files of a cluster that is stopped to `folder`, which is made for it. */
export async function copyFiles(
  cluster: PostgresServer,
  folder: string,
): Promise<void> {
  await runCommand(["cp", "-a", cluster.dataFolder, folder]);
}

async function copyCluster(
  primary: PostgresServer,
  folder: string,
): Promise<void> {
  const binaries = await findPostgres(readVersions().postgres);
  const program = join(binaries, "pg_basebackup");
  await Deno.mkdir(folder, { mode: 0o755 });
  if (Deno.uid() === 0) await runCommand(["chown", "postgres", folder]);
  if (!await fileExists(program)) return await copyRunning(primary, folder);
  await runCommand([
    program,
    ...["--pgdata", join(folder, "data"), "--write-recovery-conf"],
    ...["--checkpoint=fast", "--no-sync", `--dbname=${primary.url}`],
  ], { user: "postgres", cwd: folder });
}

/** A standby has no slot of its primary's; the same section says so. */
const LEFT_OUT = "--exclude='postmaster.*' --exclude='./pg_replslot/*'";

/** What pg_basebackup does, for releases that come without it; PostgreSQL documentation, "Making a Base Backup Using the Low Level API". */
async function copyRunning(
  primary: PostgresServer,
  folder: string,
): Promise<void> {
  const data = join(folder, "data");
  await using session = await openSession(primary.url);
  const [row] = await session.sql(
    "select (current_setting('server_version_num')::int >= 150000)::text as is_new",
  );
  const isNew = row?.["is_new"] === "true";
  await session.sql(
    isNew
      ? "select pg_backup_start('standby', true)"
      : "select pg_start_backup('standby', true, false)",
  );
  // what changes or goes meanwhile is mended by the WAL
  const copy = 'mkdir -m 700 "$2" && ' +
    `tar -C "$1" ${LEFT_OUT} -cf - . | tar -C "$2" -xf -; test $? -le 1`;
  await runCommand(["bash", "-c", copy, "copy", primary.dataFolder, data], {
    user: "postgres",
    cwd: folder,
  });
  const [stopped] = await session.sql(
    isNew
      ? "select labelfile from pg_backup_stop(false)"
      : "select labelfile from pg_stop_backup(false, false)",
  );
  const url = primary.url.replaceAll("'", "''");
  const files = {
    "backup_label": stopped?.["labelfile"] ?? "",
    "standby.signal": "",
    "postgresql.auto.conf": `primary_conninfo = '${url}'\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    const file = join(data, name);
    await Deno.writeTextFile(file, text, { append: name.endsWith(".conf") });
    if (Deno.uid() === 0) await runCommand(["chown", "postgres", file]);
  }
}

/** Whether a database can be copied by {@linkcode dumpTo}: not every release comes with the programs. */
export async function canDump(): Promise<boolean> {
  const binaries = await findPostgres(readVersions().postgres);
  return await fileExists(join(binaries, "pg_dump"));
}

async function untilTrue(session: Session, sql: string): Promise<void> {
  for (;;) {
    const [row] = await session.sql(sql);
    if (row?.["is_true"] === "t") return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function withDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}
