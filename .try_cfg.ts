import { loadConfig } from "./src/config.ts";
try { const {config, locate} = await loadConfig(Deno.args[0] ?? "config.yaml", {}); console.log(config, locate(["indexes",0,"document"])); console.log(config.indexes[0]?.watch) } catch (e) { console.log((e as Error).message) }
