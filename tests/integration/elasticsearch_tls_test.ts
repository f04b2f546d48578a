import { deepEqual, equal, match, ok } from "node:assert/strict";
import { connect } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { generate } from "selfsigned";
import { expectNoStack, runToEnd } from "./agent_process.ts";
import { startAgent } from "./agent_run.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { startHttpFaults } from "./http_faults.ts";
import { retitle, untilFollowed } from "./moments.ts";
import { openWorld, type World } from "./world.ts";

/** A certificate and its key, as PEM text. */
interface Identity {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;

/** An authority of the test's own. */
async function makeAuthority(): Promise<Identity> {
  const pems = await generate([{ name: "commonName", value: "authority" }], {
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, digitalSignature: true },
    ],
  });
  return { cert: pems.cert, key: pems.private };
}

/** A certificate for `name` that the authority has signed; with `isOver` it ended a day ago. */
async function sign(
  authority: Identity,
  { name, isOver = false }: { name: string; isOver?: boolean },
): Promise<Identity> {
  const nowMs = Date.now();
  const pems = await generate([{ name: "commonName", value: name }], {
    ca: authority,
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
      { name: "extKeyUsage", serverAuth: true, clientAuth: true },
    ],
    ...(isOver && {
      notBeforeDate: new Date(nowMs - 2 * DAY_MS),
      notAfterDate: new Date(nowMs - DAY_MS),
    }),
  });
  return { cert: pems.cert, key: pems.private };
}

/** TLS before Elasticsearch, for clients that show a certificate of the authority. */
async function startTls(
  world: World,
  { identity, authority }: { identity: Identity; authority: Identity },
): Promise<AsyncDisposable & { port: number }> {
  const { hostname, port } = new URL(world.elasticsearchUrl);
  const server = createServer({
    ...identity,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: true,
  }, (inner) => {
    const outer = connect(Number(port), hostname);
    inner.pipe(outer).pipe(inner);
    inner.on("error", () => outer.destroy());
    inner.on("close", () => outer.destroy());
    outer.on("error", () => inner.destroy());
    outer.on("close", () => inner.destroy());
  });
  server.on("tlsClientError", () => {}); // what the agent tells is looked at
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  ok(address !== null && typeof address === "object");
  return {
    port: address.port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => server.close(() => resolve())),
  };
}

const HINT = {
  authority: /Cannot use Elasticsearch: .*ca_file: .* not trusted/,
  name: /Cannot use Elasticsearch: .*server_name: .* for another name/,
  client: /Cannot use Elasticsearch: .*cert_file and key_file/,
};

Deno.test("an agent speaks TLS only to the Elasticsearch that it can verify, and shows its own certificate", async (t) => {
  const authority = await makeAuthority();
  const stranger = await makeAuthority();
  const name = "elasticsearch.example";
  await using world = await openWorld();
  const here = await sign(authority, { name: "localhost" });
  const elsewhere = await sign(authority, { name });
  const over = await sign(authority, { name: "localhost", isOver: true });
  const agent = await sign(authority, { name: "pg2es" });
  const files = {
    "ca.pem": authority.cert,
    "stranger.pem": stranger.cert,
    "cert.pem": agent.cert,
    "key.pem": agent.key,
  };
  for (const [file, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(world.folder, file), text);
  }
  const right = {
    "ca_file": "ca.pem",
    "cert_file": "cert.pem",
    "key_file": "key.pem",
  };

  async function run(identity: Identity, keys: Record<string, string>) {
    await using server = await startTls(world, { identity, authority });
    const node = `https://localhost:${server.port}`;
    await world.configure({ elasticsearch: { node, ...keys } });
    return await runToEnd({
      folder: world.folder,
      args: ["--once"],
      // what this machine trusts besides would be asked for in the place of ca_file
      env: { NODE_EXTRA_CA_CERTS: "" },
    });
  }

  const refused: [string, Identity, Record<string, string>, RegExp][] = [
    [
      "an authority of its own",
      here,
      { ...right, ca_file: "stranger.pem" },
      HINT.authority,
    ],
    ["a name of its own", elsewhere, right, HINT.name],
    ["a certificate that is over", over, right, HINT.authority],
    ["no client", here, { ca_file: "ca.pem" }, HINT.client],
  ];
  for (const [what, identity, keys, hint] of refused) {
    await t.step(what, async () => {
      const { code, stderr } = await run(identity, keys);
      equal(code, 1, stderr);
      match(stderr, hint);
      expectNoStack(stderr);
    });
  }
  await t.step("a server and a client that are known", async () => {
    const { code, stderr } = await run(here, right);
    equal(code, 0, stderr);
    deepEqual(await indexedFilms(world), await readFilms(world));
  });
  await t.step("a server of the name that is asked for", async () => {
    const { code, stderr } = await run(elsewhere, {
      ...right,
      server_name: name,
    });
    equal(code, 0, stderr);
  });
});

Deno.test("an agent that Elasticsearch does not know ends, and says what to do", async () => {
  await using proxy = startHttpFaults();
  proxy.demand("ApiKey cmlnaHQ=");
  await using world = await openWorld();
  await world.configure({
    elasticsearch: { node: proxy.url, api_key: "d3Jvbmc=" },
  });
  const ending = await runToEnd({ folder: world.folder, args: ["--once"] });
  equal(ending.code, 1, ending.stderr);
  match(ending.stderr, /Check elasticsearch.username and password, or api_key/);
  ok(!ending.stderr.includes("d3Jvbmc="));
  expectNoStack(ending.stderr);
  await world.configure({
    elasticsearch: { node: proxy.url, api_key: "cmlnaHQ=" },
  });
  const { code } = await runToEnd({ folder: world.folder, args: ["--once"] });
  equal(code, 0);
});

Deno.test("an agent reads a changed password of Elasticsearch from its file", async () => {
  await using proxy = startHttpFaults();
  const basic = (password: string) => `Basic ${btoa(`agent:${password}`)}`;
  await using world = await openWorld();
  const file = join(world.folder, "password");
  await Deno.writeTextFile(file, "the first\n");
  await world.configure({
    elasticsearch: {
      node: proxy.url,
      username: "agent",
      password_file: "password",
    },
  });
  proxy.demand(basic("the first"));
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", { kind: "load" });

  // the file first: nothing is to be noticed
  await Deno.writeTextFile(file, "the second\n");
  proxy.demand(basic("the second"));
  await untilFollowed(world, "by the second password");

  // the server first: the agent waits for the file
  proxy.demand(basic("the third"));
  await retitle(world, "while it is refused");
  const { fields } = await agent.untilLogged("connection lost, trying again");
  match(String(fields["error"]), /code is 401/);
  await Deno.writeTextFile(file, "the third\n");
  await agent.untilLogged("connection is back");
  await untilFollowed(world, "by the third password");
});
