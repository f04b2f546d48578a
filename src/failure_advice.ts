import type { Failure } from "./failure.ts";

/** What a person does about each kind of failure, beside what its message says; a new kind does not compile without. */
export const ADVICE = {
  "config-invalid": "Write what the line says",
  "server-unavailable":
    "Start the server, or mend the network; the agent goes on by itself",
  "server-refused":
    "What the message says; a new password in the configuration needs a restart",
  "query-failed": "Bring the column back, or change the query and restart",
  "document-failed":
    "Mend the row or the query; then replay, or change the row",
  "statement-timeout": "What the message says, then replay",
  "sink-busy":
    "Nothing if it passes; else lower concurrency or max_bytes, or give Elasticsearch more",
  "request-refused": "Mend index_config, or what the document holds",
  "index-blocked": "Free disk space, open the index, or lift the block",
  "index-missing": "Nothing",
  "index-unusable": "Take the name off all indexes but one",
  "source-replaced":
    "Check that the address is the right one; delete the old index when it is not needed",
  "answer-invalid": "Look for a proxy in between that cuts or rewrites answers",
  "checkpoint-invalid": "What the message says",
  "checkpoint-unwritable": "What the message says",
  "dead-letters-invalid": "What the message says",
  "dead-letters-unwritable": "What the message says",
  "rejections-exceeded": "What the message says, then start the agent",
  "lock-lost": "Nothing, or mend the network to PostgreSQL",
} as const satisfies Record<Failure["kind"], string>;
