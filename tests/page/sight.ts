import axe from "axe-core";
import { deepEqual, ok } from "node:assert/strict";
import { type Browser, chromium, type Page } from "playwright-core";
import { z } from "zod";
import { findBrowser } from "../../dev/browser.ts";
import { isRoot } from "../../dev/command.ts";
import { tell } from "../../dev/progress.ts";

/** How somebody looks at the page. */
export interface Viewer {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

/** The smallest phone that the page is to be right on, and a desktop. */
export const PHONE = { width: 320, height: 640 };
export const DESKTOP = { width: 1_280, height: 900 };

/** Every way in which the page is looked at. */
export const VIEWERS: readonly Viewer[] = [PHONE, DESKTOP].flatMap((size) =>
  (["light", "dark"] as const).map((scheme) => ({ ...size, scheme }))
);

/** The page in a browser, watched for what it must never do. */
export interface Sight extends AsyncDisposable {
  readonly page: Page;
  /** Every request that was made, by its address. */
  readonly requests: readonly string[];
  /**
   * Expects nothing in the console, no violation of its policy, no request but to the agent. With `isLost` the browser
   * itself may say there that the agent did not answer.
   */
  expectQuiet(options?: { isLost: boolean }): void;
  /** Looks at it in another way from now on. */
  lookAs(viewer: Viewer): Promise<void>;
  /** Unfolds everything that is folded. */
  openAll(): Promise<void>;
  /** Expects that it can be used by everybody, and needs no scrolling sideways. */
  expectUsable(): Promise<void>;
}

const Violations = z.object({
  violations: z.array(z.object({
    id: z.string(),
    nodes: z.array(z.object({
      html: z.string(),
      failureSummary: z.string().optional(),
    })),
  })),
});

/** A test in a browser of its own; skipped where there is none, and none can be installed, which is told. */
export function testInBrowser(
  name: string,
  fn: (browser: Browser) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: executable === undefined,
    async fn() {
      const browser = await startBrowser();
      try {
        await fn(browser);
      } finally {
        await browser.close();
      }
    },
  });
}

/** Starts a browser without a window. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = executable ?? await findBrowser();
  // its sandbox refuses root
  const args = isRoot() ? ["--no-sandbox"] : [];
  return await chromium.launch({ executablePath, args });
}

const executable = await findBrowser().catch((error: Error) => {
  tell(`${error.message}. Until then the tests of the status page are skipped`);
  return undefined;
});

/** Opens the page of the agent at `url`, on a light desktop at first. */
export async function openSight(
  browser: Browser,
  url: string,
): Promise<Sight> {
  const context = await browser.newContext({
    viewport: DESKTOP,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const requests: string[] = [];
  const noises: string[] = [];
  page.on("console", (message) => noises.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => noises.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => noises.push(`dialog: ${dialog.message()}`));
  context.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  return {
    page,
    requests,
    expectQuiet({ isLost } = { isLost: false }) {
      const unexpected = noises.filter((noise) =>
        !isLost || !noise.startsWith("console: Failed to load resource")
      );
      deepEqual(unexpected, []);
      const own = new URL(url).origin;
      const strange = requests.filter((request) =>
        !request.startsWith("data:") && new URL(request).origin !== own
      );
      deepEqual(strange, []);
    },
    async lookAs({ width, height, scheme }) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
    },
    async openAll() {
      await page.evaluate(
        "for (const one of document.querySelectorAll('details')) one.open = true",
      );
    },
    async expectUsable() {
      const overflow = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      deepEqual(overflow, 0);
      await page.evaluate(axe.source);
      const result = await page.evaluate("axe.run()");
      const { violations } = Violations.parse(result);
      ok(violations.length === 0, JSON.stringify(violations, null, 2));
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}
