import { join } from "node:path";
import { runCommand } from "../../dev/command.ts";
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
  await Deno.mkdir(folder, { mode: 0o755 });
  if (Deno.uid() === 0) await runCommand(["chown", "postgres", folder]);
  await runCommand([
    join(binaries, "pg_basebackup"),
    ...["--pgdata", join(folder, "data"), "--write-recovery-conf"],
    ...["--checkpoint=fast", "--no-sync", `--dbname=${primary.url}`],
  ], { user: "postgres", cwd: folder });
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
