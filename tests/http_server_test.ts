import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { freePort } from "../dev/port.ts";
import { EtlError } from "../src/failure.ts";
import { openHttpServer, type Pages, textPage } from "../src/http_server.ts";
import { recordLog } from "./recorded_log.ts";

const PAGES: Pages = {
  "/fixed": {
    body: new Uint8Array([1, 2, 3]),
    contentType: "image/png",
    headers: { "x-own": "yes" },
  },
  "/made": () => Promise.resolve(textPage("made", 503)),
  "/broken": () => Promise.reject(new Error("secret")),
  "/large": { body: "x".repeat(20_000_000), contentType: "text/plain" },
};

function setUp(port = freePort()) {
  const { log, lines } = recordLog();
  const locate = (path: readonly (string | number)[]) =>
    `config.yaml:${path.length}:1`;
  const open = () =>
    openHttpServer({ host: "127.0.0.1", port }, { pages: PAGES, locate, log });
  return { open, lines, port, url: `http://127.0.0.1:${port}` };
}

/** An answer, with its body read. */
async function ask(url: string, method = "GET") {
  const { status, headers, ...response } = await fetch(url, { method })
    .then(async (response) => ({
      status: response.status,
      headers: response.headers,
      bytes: new Uint8Array(await response.arrayBuffer()),
    }));
  const text = new TextDecoder().decode(response.bytes);
  return { status, headers, bytes: response.bytes, text };
}

Deno.test("openHttpServer() answers its pages, those that are made each time too", async () => {
  const { open, url } = setUp();
  await using _server = open();
  const fixed = await ask(`${url}/fixed?query=is&passed=over`);
  equal(fixed.status, 200);
  deepEqual([...fixed.bytes], [1, 2, 3]);
  equal(fixed.headers.get("content-type"), "image/png");
  equal(fixed.headers.get("x-own"), "yes");
  equal(fixed.headers.get("cache-control"), "no-store");
  equal(fixed.headers.get("access-control-allow-origin"), null);
  const made = await ask(`${url}/made`);
  equal(made.status, 503);
  equal(made.text, "made\n");
});

Deno.test("openHttpServer() takes GET and HEAD alone, and says what there is", async () => {
  const { open, url } = setUp();
  await using _server = open();
  const head = await ask(`${url}/made`, "HEAD");
  equal(head.status, 503);
  equal(head.text, "");
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const { status, headers } = await ask(`${url}/made`, method);
    equal(status, 405, method);
    equal(headers.get("allow"), "GET, HEAD");
  }
  for (const path of ["/", "/made/", "/constructor", "/__proto__"]) {
    const { status, text, headers } = await ask(`${url}${path}`);
    equal(status, 404, path);
    match(text, /There are \/fixed, \/made, /);
    match(headers.get("content-type") ?? "", /^text\/plain/);
  }
});

Deno.test("openHttpServer() tells nobody what a page failed with, but the log", async () => {
  const { open, url, lines } = setUp();
  await using _server = open();
  const { status, text } = await ask(`${url}/broken`);
  equal(status, 500);
  ok(!text.includes("secret"), text);
  equal(lines.at(-1)?.message, "cannot answer a request");
});

Deno.test("openHttpServer() says which address is not to be had, before anything else", async () => {
  const { open, port } = setUp();
  await using _server = open();
  const told = (act: () => unknown) => {
    let faults: readonly string[] = [];
    throws(act, (error) => {
      ok(error instanceof EtlError && error.failure.kind === "config-invalid");
      faults = error.failure.faults;
      return true;
    });
    return faults;
  };
  deepEqual(told(setUp(port).open), [
    `config.yaml:2:1: http.port: ${port} is in use on 127.0.0.1, write another, or end what listens there`,
  ]);
  const { log } = recordLog();
  const locate = () => "config.yaml:3:1";
  const [fault] = told(() =>
    openHttpServer({ host: "192.0.2.1", port }, { pages: {}, locate, log })
  );
  match(fault ?? "", /^config\.yaml:3:1: http\.host: nothing can listen at /);
});

Deno.test("openHttpServer() is held up by no client that reads nothing, sends nothing or sends rubbish", async () => {
  const { open, port, url } = setUp();
  const server = open();
  const clients: Deno.Conn[] = [];
  const send = async (text: string) => {
    const client = await Deno.connect({ hostname: "127.0.0.1", port });
    clients.push(client);
    await client.write(new TextEncoder().encode(text));
  };
  try {
    for (let count = 0; count < 20; count++) {
      await send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n");
      await send("GET /made HTTP/1.1\r\nhost: ");
      await send("");
      await send("\0\0\0\r\n\r\n");
    }
    for (let count = 0; count < 20; count++) {
      equal((await ask(`${url}/made`)).status, 503);
    }
  } finally {
    await server[Symbol.asyncDispose](); // it ends with all of them open
    for (const client of clients) client.close();
  }
});
