import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { type PostgresServer, startPostgres } from "../../dev/postgres.ts";
import {
  openClusterFolder,
  type Standby,
  startStandby,
} from "./history_cluster.ts";
import { openSession, openWorld, type Session, type World } from "./world.ts";

/** Items whose documents tell where they were read, on a primary with a standby that full loads read on. */
export interface ReplicatedWorld extends AsyncDisposable {
  readonly world: World;
  readonly primary: PostgresServer;
  readonly standby: Standby;
  /** The superuser's connection to the world's database on the standby. */
  readonly onStandby: Session;
  /** A folder that is removed with it. */
  readonly folder: string;
}

/** How many items there are at first. */
export const ITEM_COUNT = 20;

/** Opens it, with the standby caught up. */
export async function openReplicatedWorld(
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ReplicatedWorld> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await openClusterFolder());
  const primary = opened.use(
    await startPostgres({ folder: join(folder.path, "primary") }),
  );
  const world = opened.use(
    await openWorld({
      sql: `
        create table item (id int primary key, n int not null default 0, updated_at timestamptz not null default now());
        create index on item (updated_at, id);
        insert into item (id) select generate_series(1, ${ITEM_COUNT})`,
      indexes: `
        - name: items
          index_config: items.json
          document: select id, n, pg_is_in_recovery() as is_standby from item
          sweep: off
          watch: [{table: item}]`,
      files: {
        "items.json": JSON.stringify({ mappings: { dynamic: false } }),
      },
      postgres: primary.url,
    }),
  );
  const standby = opened.use(
    await startStandby(primary, join(folder.path, "standby")),
  );
  await standby.catchUp();
  await world.configure({
    "postgres.read_hosts": [`127.0.0.1:${standby.port}`],
    "postgres.page_size": 5,
    ...settings,
  });
  const url = new URL(world.databaseUrl);
  url.port = String(standby.port);
  const onStandby = opened.use(await openSession(url.href));
  const kept = opened.move();
  return {
    world,
    primary,
    standby,
    onStandby,
    folder: folder.path,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Has the standby stand still; resolves when it does. */
export async function pauseReplay(onStandby: Session): Promise<void> {
  await onStandby.sql("select pg_wal_replay_pause()");
  const [row] = await onStandby.sql(
    "select current_setting('server_version_num')::int >= 140000 as tells_state",
  );
  // before that release nothing tells: what is written from now on is not replayed all the same
  if (row?.["tells_state"] !== "t") return;
  await untilTrue(
    onStandby,
    "select pg_get_wal_replay_pause_state() = 'paused' as is_true",
  );
}

/** Waits until a query that shows `is_true` shows that it is. */
export async function untilTrue(session: Session, sql: string): Promise<void> {
  for (;;) {
    const [row] = await session.sql(sql);
    if (row?.["is_true"] === "t") return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Expects that the index holds each item as the primary does; returns how many were read on a standby. */
export async function expectEqual(world: World): Promise<number> {
  const rows = await world.sql("select id::text, n::text from item");
  const expected = new Map(rows.map(({ id, n }) => [id, Number(n)]));
  const documents = [...await world.documents()].map(([id, { source }]) => ({
    id,
    ...JSON.parse(source),
  }));
  deepEqual(new Map(documents.map(({ id, n }) => [String(id), n])), expected);
  return documents.filter(({ is_standby: isStandby }) => isStandby).length;
}
