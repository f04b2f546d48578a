import { equal, match, rejects } from "node:assert/strict";
// @ts-types="@types/pg"
import pg from "pg";
import { z } from "zod";
import { startElasticsearch } from "../dev/elasticsearch.ts";
import { startPostgres } from "../dev/postgres.ts";

/** A folder of this test's own beside those of the other servers. */
async function makeFolder(): Promise<AsyncDisposable & { path: string }> {
  await Deno.mkdir(".servers", { recursive: true });
  const path = await Deno.makeTempDir({ dir: ".servers", prefix: "dev_test-" });
  await Deno.chmod(path, 0o755); // the servers run as other accounts
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: "array" });
    return rows.flat();
  } finally {
    await client.end();
  }
}

async function ask(url: string, method = "GET"): Promise<string> {
  return await (await fetch(url, { method })).text();
}

Deno.test("startPostgres() keeps port and data over stop and start", async () => {
  await using folder = await makeFolder();
  await using server = await startPostgres({ folder: folder.path });
  const { url, port } = server;
  await query(url, "create table kept as select 1 as value");
  for (const mode of ["fast", "immediate"] as const) {
    await server.stop(mode);
    await rejects(query(url, "select 1"), /ECONNREFUSED/);
    await server.start();
    equal(server.port, port);
    equal((await query(url, "select value from kept"))[0], 1);
  }
});

Deno.test("startPostgres() lets no other user in without a password", async () => {
  await using folder = await makeFolder();
  await using server = await startPostgres({ folder: folder.path });
  await query(server.url, "create role reader login password 'right'");
  const address = new URL(server.url);
  address.username = "reader";
  address.password = "wrong";
  await rejects(query(address.href, "select 1"), { code: "28P01" });
  address.password = "right";
  equal((await query(address.href, "select current_user"))[0], "reader");
});

Deno.test("startPostgres() takes settings and refuses wrong ones with the server's words", async () => {
  await using folder = await makeFolder();
  await using server = await startPostgres({
    folder: folder.path,
    settings: { "work_mem": "5MB" },
  });
  equal((await query(server.url, "show work_mem"))[0], "5MB");
  await server.stop();
  const settings = { "work_mem": "much" };
  await rejects(
    startPostgres({ folder: folder.path, settings }),
    /^Error: Cannot start PostgreSQL: it ended with status 1\..*work_mem/,
  );
});

Deno.test("startPostgres() refuses a folder whose server runs", async () => {
  await using folder = await makeFolder();
  await using _server = await startPostgres({ folder: folder.path });
  await rejects(
    startPostgres({ folder: folder.path }),
    /^Error: Cannot use folder .*: process \d+ runs a server there/,
  );
});

Deno.test("startPostgres() takes over what a killed run left", async () => {
  await using folder = await makeFolder();
  // the run starts a server, tells its address, and dies as by kill -9
  const program = `
    import { startPostgres } from "./dev/postgres.ts";
    const server = await startPostgres({ folder: Deno.args[0] });
    console.log(server.url);
    Deno.kill(Deno.pid, "SIGKILL");`;
  const { stdout, signal } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program, folder.path],
  }).output();
  equal(signal, "SIGKILL");
  const left = z.url().parse(new TextDecoder().decode(stdout).trim());
  await using server = await startPostgres({ folder: folder.path });
  await rejects(query(left, "select 1"), /ECONNREFUSED/);
  equal((await query(server.url, "select 1"))[0], 1);
});

Deno.test("startElasticsearch() keeps port and data over stop, kill and start", async () => {
  await using folder = await makeFolder();
  await using server = await startElasticsearch({ folder: folder.path });
  const { url, port } = server;
  match(await ask(url), /"number": "8\.19\.21"/);
  match(await ask(`${url}/kept`, "PUT"), /"acknowledged":true/);
  await server.stop();
  await rejects(ask(url), TypeError);
  await server.start();
  const pid = server.pid;
  await server.kill();
  await rejects(ask(url), TypeError);
  await server.start();
  equal(server.port, port);
  equal(server.pid === pid, false);
  match(await ask(`${url}/_cat/indices?h=index`), /^kept$/m);
});
