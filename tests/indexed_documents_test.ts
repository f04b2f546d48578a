import { deepEqual, equal } from "node:assert/strict";
import { readIndexed } from "../src/indexed_documents.ts";
import { openScriptedServer } from "./scripted_server.ts";
import { NEVER } from "./servers.ts";

Deno.test("readIndexed() asks again after what is no answer, or is cut off", async () => {
  const docs = '{"docs":[{"_id":"a","found":true,"_source":{"n":1.0}}]}';
  const answers = ["<html>Sign in</html>", docs.slice(0, 40), docs];
  await using server = openScriptedServer((_, place) => ({
    body: answers[place],
  }));
  const found = await readIndexed(server.cluster, {
    index: "movies",
    entries: [{ id: "a" }],
    withSource: true,
    signal: NEVER,
  });
  deepEqual(found, [{ isFound: true, source: '{"n":1.0}' }]);
  equal(server.requests.length, answers.length);
});
