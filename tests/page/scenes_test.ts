import { equal } from "node:assert/strict";
import { until } from "../integration/moments.ts";
import { SCENES } from "./scenes.ts";
import { openSight, testInBrowser, VIEWERS } from "./sight.ts";

for (const { name, open, headline } of SCENES) {
  testInBrowser(
    `the page of a running agent is right on any screen: ${name}`,
    async (browser) => {
      await using scene = await open();
      await using sight = await openSight(browser, scene.url);
      const { page } = sight;
      const wanted = headline(scene.indexName);
      await until(
        `the page says "${wanted}"`,
        async () => await page.getByRole("status").innerText() === wanted,
      );
      equal(await page.title(), `${wanted} – pg2es`);
      await sight.openAll();
      for (const viewer of VIEWERS) {
        await sight.lookAs(viewer);
        await sight.expectUsable();
      }
      sight.expectQuiet();
    },
  );
}
