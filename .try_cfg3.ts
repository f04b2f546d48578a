import { stringify } from "yaml";
const out = JSON.parse(Deno.readTextFileSync("/tmp/cfgtry/out.json"));
const groups: Record<string, [number, number]> = {};
const idx = (n: string) => { const i = out.findIndex((c: any) => c[0] === n); if (i < 0) throw n; return i; };
const cuts = [["values", 0, idx("a variable that is not set")], ["variables", idx("a variable that is not set"), idx("a password and a password file")], ["servers", idx("a password and a password file"), idx("no indexes")], ["indexes", idx("no indexes"), idx("a tab")], ["yaml", idx("a tab"), out.length]] as const;
Deno.mkdirSync("tests/config_faults", { recursive: true });
const heads: Record<string, string> = { values: "keys and values", variables: "variables", servers: "the sections postgres and elasticsearch", indexes: "the list indexes", yaml: "the file as a whole" };
for (const [n, a, b] of cuts) {
  const data = out.slice(a, b).map(([name, edits, faults]: any) => ({ name, edits: edits.map(([from, to]: any) => ({ from: from.replace(/\n$/, "\n"), to })), faults }));
  const doc = `# Faults of ${heads[n]}: \n# what is edited in the configuration of the test, and every line that is told.\n` + stringify(data, { lineWidth: 0 });
  Deno.writeTextFileSync(`tests/config_faults/${n}.yaml`, doc);
}
