import type { AgentRecord } from "./agent_record.ts";
import { type DeadLetterView, NO_LETTERS } from "./dead_letter_view.ts";
import { judgeHealth, judgeReadiness } from "./health.ts";
import { reportIndex } from "./index_report.ts";
import { round } from "./rate_history.ts";
import type { ServerRecord } from "./server_record.ts";
import type {
  ServerReport,
  SlotReport,
  StatusReport,
} from "./status_report.ts";
import type { SlotNotice } from "./telemetry.ts";

/** What the running agent tells of itself. */
export async function buildStatus(
  { record, deadLetters, version, redact }: {
    record: AgentRecord;
    deadLetters: DeadLetterView;
    version: string;
    redact: (text: string) => string;
  },
): Promise<StatusReport> {
  const letters = await deadLetters.summarize();
  const { servers, oldestStart, clock, slot } = record;
  const age = oldestStart === undefined
    ? undefined
    : clock.ageSeconds(oldestStart);
  return {
    version,
    at: new Date().toISOString(),
    from: "agent",
    startedAt: record.startedAt,
    role: record.role,
    since: record.roleSince,
    health: judgeHealth(record),
    readiness: judgeReadiness(record),
    servers: {
      postgresql: {
        ...reportServer(servers.PostgreSQL),
        ...(age === undefined ? {} : { oldestTransactionSeconds: round(age) }),
        ...(slot === undefined ? {} : { slot: reportSlot(slot) }),
      },
      elasticsearch: reportServer(servers.Elasticsearch),
    },
    indexes: record.indexes.map((index) =>
      reportIndex(index, {
        record,
        deadLetters: letters.get(index.name) ?? NO_LETTERS,
        redact,
      })
    ),
  };
}

function reportServer(
  { state, since, answeredAt, errors }: ServerRecord,
): ServerReport {
  const [lastError] = errors.list();
  return {
    state,
    since,
    ...(answeredAt === undefined ? {} : { lastAnswerAt: answeredAt }),
    ...(lastError === undefined ? {} : { lastError }),
  };
}

function reportSlot({ slot: name, ...sizes }: SlotNotice): SlotReport {
  return { name, ...sizes };
}
