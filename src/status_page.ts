import type { Page } from "./http_server.ts";
import { PAGE, SCRIPT_HASH, STYLE_HASH } from "./page/built_page.ts";

/**
 * What the browser lets the page do: run its own script, have its own style and the icon that it draws, and ask the
 * agent that it came from. A text can be made neither markup nor script.
 */
const POLICY = [
  "default-src 'none'",
  `script-src '${SCRIPT_HASH}'`,
  `style-src '${STYLE_HASH}'`,
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** The page that shows the status to a person, whole. */
export const STATUS_PAGE = {
  body: PAGE,
  contentType: "text/html; charset=utf-8",
  headers: {
    "content-security-policy": POLICY,
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
  },
} as const satisfies Page;
