import { equal, match } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "selfsigned";
import { openFolder } from "../../dev/folder.ts";
import { startPostgres } from "../../dev/postgres.ts";
import { expectNoStack, runToEnd } from "./agent_process.ts";
import { countSettled } from "./moments.ts";
import { openWorld } from "./world.ts";

/** A certificate for `localhost` that no authority has signed, and its key, as PEM text. */
async function makeCertificate(): Promise<{ cert: string; key: string }> {
  const pems = await generate([{ name: "commonName", value: "localhost" }], {
    extensions: [{ name: "basicConstraints", cA: true }, {
      name: "subjectAltName",
      altNames: [{ type: 2, value: "localhost" }],
    }],
  });
  return { cert: pems.cert, key: pems.private };
}

Deno.test("pg2es takes PostgreSQL's certificate only when it can verify it", async () => {
  const { cert, key } = await makeCertificate();
  const parent = new URL("../../.servers/", import.meta.url);
  const path = await openFolder(
    join(fileURLToPath(parent), `tls-${crypto.randomUUID()}`),
  );
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const files = {
    cert: join(path, "cert.pem"),
    key: join(path, "key.pem"),
  };
  await Deno.writeTextFile(files.cert, cert);
  await Deno.writeTextFile(files.key, key, { mode: 0o600 });
  await giveTo("postgres", Object.values(files));
  await using postgres = await startPostgres({
    folder: join(path, "server"),
    settings: {
      ssl: "on",
      "ssl_cert_file": files.cert,
      "ssl_key_file": files.key,
    },
  });
  const settings = { "postgres.host": "localhost", "postgres.ssl": "true" };
  await using world = await openWorld({ postgres: postgres.url, settings });
  const refused = await runToEnd({ folder: world.folder, args: ["--once"] });
  equal(refused.code, 1);
  match(refused.stderr, /Cannot use PostgreSQL: .* certificate is not trusted/);
  expectNoStack(refused.stderr);
  await world.configure({ "postgres.ssl": { "ca_file": files.cert } });
  equal((await runToEnd({ folder: world.folder, args: ["--once"] })).code, 0);
  equal((await world.documents()).size, await countSettled(world));
});

Deno.test("pg2es takes Elasticsearch's certificate only when it can verify it", async () => {
  const { cert, key } = await makeCertificate();
  await using world = await openWorld();
  const { promise: port, resolve } = Promise.withResolvers<number>();
  await using _server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    cert,
    key,
    onListen: (address) => resolve(address.port),
  }, (request) => forward(request, world.elasticsearchUrl));
  await world.configure({
    "elasticsearch.node": `https://localhost:${await port}`,
  });
  // what this machine trusts besides would be asked for in the place of ca_file
  const env = { NODE_EXTRA_CA_CERTS: "" };
  const options = { folder: world.folder, args: ["--once"], env };
  const refused = await runToEnd(options);
  equal(refused.code, 1);
  match(
    refused.stderr,
    /Cannot use Elasticsearch: .* certificate is not trusted/,
  );
  expectNoStack(refused.stderr);
  const authority = join(world.folder, "ca.pem");
  await Deno.writeTextFile(authority, cert);
  await world.configure({ "elasticsearch.ca_file": "ca.pem" });
  equal((await runToEnd(options)).code, 0);
  equal((await world.documents()).size > 0, true);
});

async function forward(request: Request, to: string): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const { method, headers } = request;
  const body = await request.arrayBuffer();
  const type = headers.get("content-type");
  return await fetch(`${to}${pathname}${search}`, {
    method,
    ...(type === null ? {} : { headers: { "content-type": type } }),
    ...(body.byteLength === 0 ? {} : { body }),
  });
}

/** A server that is not run by the user of the tests reads only what is its own. */
async function giveTo(user: string, files: readonly string[]): Promise<void> {
  if (Deno.uid() !== 0) return;
  const { success } = await new Deno.Command("chown", {
    args: [user, ...files],
  }).output();
  equal(success, true);
}
