import { deepEqual, equal } from "node:assert/strict";
import { createRedactor } from "../src/log_line.ts";
import { openSecrets } from "../src/secrets.ts";

Deno.test("createRedactor() leaves out a secret that is learnt later", () => {
  const secrets = new Set(["first one"]);
  const redact = createRedactor(secrets);
  equal(redact("first one, second one"), "***, second one");
  secrets.add("second one");
  equal(redact("first one, second one"), "***, ***");
});

Deno.test("openSecrets() knows the passwords and keys of the configuration", () => {
  const secrets = openSecrets({
    postgres: { password: "of PostgreSQL", ssl: { key: "its key" } },
    elasticsearch: { auth: { apiKey: "of Elasticsearch" }, key: "another key" },
  });
  deepEqual([...secrets].toSorted(), [
    "another key",
    "its key",
    "of Elasticsearch",
    "of PostgreSQL",
  ]);
});
