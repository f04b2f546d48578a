import { loadConfig } from "./src/config.ts";
const BASE = `postgres:
  host: localhost
  database: films
  user: reader
elasticsearch:
  node: http://localhost:9200
indexes:
  - name: movies
    index_config: index_config.json
    document: select id from film
    watch:
      - table: film
`;
const cases = JSON.parse(Deno.readTextFileSync("/tmp/cfgtry/cases.json"));
const dir = Deno.makeTempDirSync();
const w = (n: string, t: string) => Deno.writeTextFileSync(`${dir}/${n}`, t);
w("index_config.json", '{"mappings": {}}'); w("secret.txt", "hunter2\n"); w("empty.txt", "\n");
w("cert.pem", "-----BEGIN CERTIFICATE-----\n"); w("encrypted.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
w("broken.json", '{"mappings": {}\n  "settings": {}}'); w("faulty.json", '{\n  "mapping": {},\n  "settings": { "number_of_shards": 0 }\n}');
Deno.chdir(dir);
const out = [];
for (const [name, edits] of cases) {
  let t = BASE; for (const [f, to] of edits) { if (f === "*") t = to; else { if (!t.includes(f)) console.log("NOT FOUND", name, f); t = t.replace(f, () => to); } }
  w("config.yaml", t);
  let faults: string[] = [];
  try { await loadConfig("config.yaml", { EMPTY: "", SECRET: "hunter2" }); } catch (e) { faults = (e as any).failure?.faults ?? ["CRASH " + e + (e as Error).stack]; }
  console.log(`## ${name}\n   ${faults.join("\n   ")}`); out.push([name, edits, faults]);
}
Deno.writeTextFileSync("/tmp/cfgtry/out.json", JSON.stringify(out));
