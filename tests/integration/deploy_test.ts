import { deepEqual, equal } from "node:assert/strict";
import { stringify } from "@std/yaml";
import { parse } from "yaml";
import { z } from "zod";
import { runToEnd } from "./agent_process.ts";
import { FILM_COUNT } from "./moments.ts";
import { openWorld } from "./world.ts";

const FOLDER = new URL("../../deploy/kubernetes/base/", import.meta.url);

const Film = z.object({
  id: z.string(),
  title: z.string(),
  genres: z.array(z.string()),
});

Deno.test("the indexes of the Kubernetes example are filled from the bundled database", async () => {
  const read = (name: string) => Deno.readTextFile(new URL(name, FOLDER));
  const { indexes } = z.object({ indexes: z.array(z.unknown()) })
    .parse(parse(await read("config.yaml")));
  await using world = await openWorld({
    indexes: stringify(indexes),
    files: { "index_config.json": await read("index_config.json") },
    settings: { "logging.format": "json" },
  });
  const args = ["run", "--once"];
  const { code, log, stderr } = await runToEnd({ folder: world.folder, args });
  equal(code, 0, stderr);
  deepEqual(log.filter(({ level }) => level === "error"), []);
  const films = [...(await world.documents()).values()]
    .map(({ source }) => Film.parse(JSON.parse(source)));
  equal(films.length, FILM_COUNT);
  equal(films.every(({ genres }) => genres.length > 0), true);
});
