import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runProgram, showStep, tell } from "../../dev/progress.ts";
import { removeServers, startServers } from "../../dev/servers.ts";
import { untilStopped } from "../../dev/stop_signal.ts";
import { type Scene, SCENES } from "./scenes.ts";
import { openSight, PHONE, startBrowser, VIEWERS } from "./sight.ts";

const FOLDER = fileURLToPath(
  new URL("../../.servers/screenshots", import.meta.url),
);
const SERVERS = join(FOLDER, "servers");

/**
 * Takes pictures of the status page of real agents, on a phone and a desktop, light and dark: of every scene, or of those
 * that are named. With `--minutes` each scene is left alone for so long first.
 */
async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { minutes: { type: "string", default: "0" } },
  });
  const scenes = SCENES.filter(({ name }) =>
    positionals.length === 0 || positionals.includes(name)
  );
  if (scenes.length === 0) {
    const names = SCENES.map(({ name }) => name).join(", ");
    throw new Error(`Cannot find these scenes. There are ${names}`);
  }
  await removeServers(SERVERS);
  using stopped = untilStopped();
  {
    await using servers = await startServers({ folder: SERVERS });
    Deno.env.set("PG2ES_TEST_POSTGRES", servers.postgres.url);
    Deno.env.set("PG2ES_TEST_ELASTICSEARCH", servers.elasticsearch.url);
    const minutes = Number(values.minutes);
    await Promise.race([shootAll(scenes, minutes), stopped.promise]);
  }
  await removeServers(SERVERS);
}

async function shootAll(
  scenes: readonly Scene[],
  minutes: number,
): Promise<void> {
  for (const scene of scenes) {
    await showStep(`Looking at ${scene.name}`, () => shoot(scene, minutes));
  }
  tell(`The pictures are in ${FOLDER}`);
}

async function shoot(
  { name, open, headline }: Scene,
  minutes: number,
): Promise<void> {
  await using browser = await startBrowser();
  await using scene = await open({ prefix: "cinema" });
  await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
  await using sight = await openSight(browser, scene.url);
  const { page } = sight;
  await page.getByText(headline(scene.indexName)).first().waitFor();
  for (const viewer of VIEWERS) {
    await sight.lookAs(viewer);
    const screen = viewer.width === PHONE.width ? "phone" : "desktop";
    const path = join(FOLDER, `${name}_${screen}_${viewer.scheme}.png`);
    await page.screenshot({ path, fullPage: true });
  }
}

if (import.meta.main) await runProgram(() => main(Deno.args));
