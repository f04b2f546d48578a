import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { showInvisible } from "../../src/page/words.ts";
import type { StatusReport } from "../../src/status_report.ts";
import { until } from "../integration/moments.ts";
import {
  AT,
  before,
  reportError,
  reportIndex,
  reportStatus,
} from "./reports.ts";
import { startScriptedAgent } from "./scripted_agent.ts";
import { openSight, testInBrowser, VIEWERS } from "./sight.ts";

/** The longest id that Elasticsearch takes: 512 bytes without a place to break. */
const LONG_TEXT = "ж".repeat(256);

/** What tries to be more than text wherever strangers choose it. */
const HOSTILE = [
  `<img src=x onerror=alert(1)>`,
  `"><script>alert(1)</script>`,
  `</style></title><svg onload=alert(1)>`,
  `javascript:alert(1)`,
  `&lt;b&gt;&#x3c;`,
  `__proto__`,
  `constructor`,
  "a\u202egpj.exe\u0000\n",
  LONG_TEXT,
];

/** A report with `text` in every place where a text of somebody else may stand. */
function reportHostile(text: string): StatusReport {
  const error = reportError({ message: text, advice: text });
  return reportStatus({
    health: { ok: false, reasons: [text] },
    indexes: [
      reportIndex({
        name: `a${text}`,
        physicalIndex: text,
        state: "waiting",
        reason: text,
        errors: [error],
        deadLetters: {
          count: HOSTILE.length + 1,
          newest: [...HOSTILE, ""].map((id) => ({
            id,
            type: text,
            field: text,
            at: before(5),
            document: JSON.stringify({ text }),
          })),
        },
        tables: [{ name: text, watermark: text }],
        generations: [{ name: text, role: "old", since: before(9) }],
      }),
      reportIndex({ name: `b${text}` }),
    ],
  });
}

function headline(page: Page): Promise<string> {
  return page.getByRole("status").innerText();
}

async function untilHeadline(page: Page, wanted: string): Promise<void> {
  await until(
    `the page says "${wanted}"`,
    async () => await headline(page) === wanted,
  );
}

/** Far more than there is to go to. */
const MAX_TABS = 50;

async function isFocused(element: Locator): Promise<boolean> {
  return await element.and(element.page().locator(":focus")).count() > 0;
}

testInBrowser(
  "texts of strangers are text and nothing else, on any screen",
  async (browser) => {
    await using agent = startScriptedAgent(reportStatus());
    await using sight = await openSight(browser, agent.url);
    for (const viewer of VIEWERS) {
      await sight.lookAs(viewer);
      // all of them in the narrowest place, the longest everywhere
      const texts = viewer === VIEWERS[0] ? HOSTILE : [LONG_TEXT];
      for (const text of texts) {
        const report = reportHostile(text);
        agent.answer(report);
        const title = `${showInvisible(`a${text}`)} stands still – pg2es`;
        await until(
          `the page is called ${title}`,
          async () => await sight.page.title() === title,
        );
        // what is made of elements is what the page made
        const strange =
          "img, iframe, object, a:not([href^='#'], [href=status], [href=metrics])";
        equal(await sight.page.locator(strange).count(), 0);
        equal(await sight.page.locator("script").count(), 1);
        const attributes = await sight.page.evaluate(
          "[...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames()).filter((name) => name.startsWith('on'))",
        );
        deepEqual(attributes, []);
        const ids = await sight.page.locator("tbody .id").allInnerTexts();
        ok(ids.includes(`<img src=x onerror=alert(1)>`));
        ok(ids.includes("a\\u{202e}gpj.exe\\u{0}\\u{a}"));
        ok(ids.includes("(an empty text)"));
        await sight.openAll();
        await sight.expectUsable();
      }
    }
    sight.expectQuiet();
  },
);

testInBrowser(
  "the policy lets no other script run, and makes no markup of a text",
  async (browser) => {
    await using agent = startScriptedAgent(reportStatus());
    await using sight = await openSight(browser, agent.url);
    await untilHeadline(sight.page, "All is well");
    const tries = await sight.page.evaluate(`(async () => {
    const violated = [];
    document.addEventListener("securitypolicyviolation", (event) => {
      violated.push(event.effectiveDirective);
    });
    const script = document.createElement("script");
    try { script.text = "globalThis.ran = true"; document.body.append(script); } catch { violated.push("refused"); }
    try { document.body.innerHTML = "<b>text</b>"; } catch { violated.push("refused"); }
    const image = document.createElement("img");
    image.src = "http://192.0.2.1/pixel.png";
    await fetch("http://192.0.2.1/").catch(() => {});
    await new Promise((resolve) => setTimeout(resolve));
    return { ran: globalThis.ran === true, violated: [...new Set(violated)].sort() };
  })()`);
    deepEqual(tries, {
      ran: false,
      violated: [
        "connect-src",
        "img-src",
        "refused",
        "require-trusted-types-for",
      ],
    });
  },
);

testInBrowser(
  "an agent that does not answer is told of, with since when, until it is back",
  async (browser) => {
    await using agent = startScriptedAgent(reportStatus());
    await using sight = await openSight(browser, agent.url);
    const { page } = sight;
    await untilHeadline(page, "All is well");
    const losses = [
      [503, "Now it answers 503."],
      ["<html>a proxy's own page</html>", "something else answers there"],
      ["{}", "something else answers there"],
      ["silence", "nothing comes within 5 seconds"],
    ] as const;
    for (const [answer, reason] of losses) {
      agent.answer(answer);
      await untilHeadline(page, "The agent does not answer");
      const told = await page.locator(".banner").innerText();
      match(told, /It answered last at 03:04:05 UTC, \d+ s ago\. Now /);
      ok(told.includes(reason), told);
      // what was known stays, as of then
      match(
        await page.locator(".top").innerText(),
        /As it was at 03:04:05 UTC/,
      );
      equal(await page.getByRole("heading", { name: "movies" }).count(), 1);
      await sight.expectUsable();
      agent.answer(reportStatus());
      await untilHeadline(page, "All is well");
    }
    sight.expectQuiet({ isLost: true });
  },
);

testInBrowser(
  "a page that nobody sees asks for nothing, and asks at once when it is seen",
  async (browser) => {
    await using agent = startScriptedAgent(reportStatus());
    await using sight = await openSight(browser, agent.url);
    const { page } = sight;
    await until("it asks again", () => Promise.resolve(agent.askedCount > 1));
    const see = (state: string) =>
      page.evaluate(`
      Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    `);
    // the page's own clock goes on by a minute
    await page.clock.install();
    await see("hidden");
    const { askedCount } = agent;
    await page.clock.runFor(60_000);
    ok(agent.askedCount - askedCount <= 1); // what was on its way
    const hiddenCount = agent.askedCount;
    await see("visible");
    await until(
      "it asks again",
      () => Promise.resolve(agent.askedCount > hiddenCount),
    );
  },
);

testInBrowser(
  "the page is read and used by keyboard, and stays as it is while figures change",
  async (browser) => {
    const letter = {
      id: "7",
      type: "id_length",
      at: AT,
      document: '{"a":1.50}',
    };
    const report = (written: number) =>
      reportStatus({
        indexes: [reportIndex({
          documents: { written, superseded: 0, rejected: 1 },
          deadLetters: { count: 1, newest: [letter] },
        })],
      });
    await using agent = startScriptedAgent(report(1));
    await using sight = await openSight(browser, agent.url);
    const { page } = sight;
    await untilHeadline(page, "1 document of movies is refused");
    await page.evaluate(`
    globalThis.announced = 0;
    new MutationObserver(() => announced++).observe(document.querySelector("[role=status]"),
      { childList: true, characterData: true, subtree: true });
  `);
    const body = page.locator("td summary");
    for (let count = 0; count < MAX_TABS && !await isFocused(body); count++) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.locator("pre").waitFor({ state: "visible" });
    equal(await page.locator("pre").innerText(), '{"a":1.50}');
    agent.answer(report(4_321));
    await page.getByText("4,321").waitFor();
    ok(await isFocused(body));
    ok(await page.locator("pre").isVisible());
    equal(await page.evaluate("announced"), 0);
    const chart = page.getByRole("img", { name: /^Lag over the last 10 min/ });
    equal(
      await chart.getAttribute("aria-label"),
      "Lag over the last 10 min: 0.5 s now, 1 s at most",
    );
    sight.expectQuiet();
  },
);

testInBrowser(
  "a chart tells the value at the pointer, and is a table as well",
  async (browser) => {
    await using agent = startScriptedAgent(reportStatus());
    await using sight = await openSight(browser, agent.url);
    const { page } = sight;
    await untilHeadline(page, "All is well");
    const chart = page.locator("figure").first();
    const line = chart.getByRole("img");
    const value = chart.locator(".chart-value");
    equal(await value.innerText(), "1/s now, 5/s at most");
    const { width = 0, height = 0 } = await line.boundingBox() ?? {};
    // of 60 values over the width there are the last four
    await line.hover({ position: { x: width * 58 / 59, y: height / 2 } });
    await until(
      "the value is told",
      async () => await value.innerText() === "03:03:52: 5/s",
    );
    await page.mouse.move(0, 0);
    await until(
      "what is known of all is told again",
      async () => await value.innerText() === "1/s now, 5/s at most",
    );
    await chart.locator("summary").click();
    const rows = await chart.getByRole("row").allInnerTexts();
    deepEqual(rows.map((row) => row.split(/\s*\t\s*/)), [
      ["Until", "On average", "At most"],
      ["03:04:02", "2/s", "5/s"],
    ]);
    sight.expectQuiet();
  },
);

testInBrowser(
  "the page shows the slot, and which way each index is followed",
  async (browser) => {
    const reached = { state: "reached", since: before(60) } as const;
    const slot = {
      name: "pg2es_films",
      keptBytes: 16_777_216,
      lagBytes: 4_200,
      maxBytes: 1e9,
    };
    const report = (way: "polling" | "wal") =>
      reportStatus({
        servers: { postgresql: { ...reached, slot }, elasticsearch: reached },
        indexes: [
          reportIndex({ follow: { way } }),
          reportIndex({ name: "people" }),
        ],
      });
    await using agent = startScriptedAgent(report("wal"));
    await using sight = await openSight(browser, agent.url);
    const { page } = sight;
    await untilHeadline(page, "All is well");
    const card = page.getByRole("listitem").filter({ hasText: "PostgreSQL" });
    ok(
      (await card.first().innerText()).includes(
        "Log kept for the slot pg2es_films: 16.8 MB, 1 GB at most; 4.2 kB not confirmed",
      ),
    );
    const ways = page.locator(".figure").filter({ hasText: "Changes come" });
    // the index that is polled as configured has nothing to tell
    deepEqual(await ways.allInnerTexts(), ["Changes come\nby the log"]);
    agent.answer(report("polling"));
    await untilHeadline(page, "movies is followed by polling for now");
    deepEqual(await ways.allInnerTexts(), ["Changes come\nby polling"]);
    await sight.expectUsable();
    sight.expectQuiet();
  },
);

testInBrowser(
  "the page asks beside where it is, as behind a proxy",
  async (browser) => {
    const base = "/agents/first/";
    await using agent = startScriptedAgent(reportStatus(), { base });
    await using sight = await openSight(browser, agent.url);
    await untilHeadline(sight.page, "All is well");
    sight.expectQuiet();
  },
);

testInBrowser(
  "a page of another version is replaced by that of the agent",
  async (browser) => {
    await using agent = startScriptedAgent(reportStatus());
    await using sight = await openSight(browser, agent.url);
    await untilHeadline(sight.page, "All is well");
    await sight.page.evaluate("globalThis.isOld = true");
    agent.answer(reportStatus({ version: "0.2.0" }));
    await until(
      "it is loaded again",
      async () =>
        await sight.page.evaluate("globalThis.isOld").catch(() => true) !==
          true,
    );
    await untilHeadline(sight.page, "All is well");
    sight.expectQuiet();
  },
);
