import type { TablePlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import { type ChangeRange, findChanged } from "./table_scan.ts";

/**
 * Asks with one statement which of the tables that were quiet are quiet still, in place of one statement for each.
 *
 * A table joins when a scan of it finds nothing in a moment, and leaves when one finds something or takes long: what
 * changes all the time is scanned without being asked about first, and a table without an index on its stamps, which is
 * read as a whole, takes the time that a statement may take for itself alone.
 */
export interface ChangeProbe {
  /**
   * Those of `looks` in whose tables a scan that begins now finds nothing; perhaps not all of them.
   *
   * It looks for one row under the very conditions of the scan's first page, in a snapshot that is as late: after the
   * pass has noted the open transactions. So it is for each table what an empty first page is. What is committed later is
   * found by the next pass, which begins with this pass's marks.
   */
  findQuiet(
    source: Source,
    looks: readonly TableLook[],
    options: { signal: AbortSignal },
  ): Promise<ReadonlySet<TablePlan>>;
  /** Learns from the first page of a table's scan. */
  learn(
    table: TablePlan,
    page: { readonly isEmpty: boolean; readonly tookMs: number },
  ): void;
}

/** What the scan of a table looks at. */
export interface TableLook {
  readonly table: TablePlan;
  readonly range: ChangeRange;
}

/** A look that takes longer is none at an index that has nothing to show, or the server is busy. */
const QUICK_MS = 250;

/** Opens it; every table is scanned first. */
export function openChangeProbe(): ChangeProbe {
  const quiet = new Set<TablePlan>();
  return {
    async findQuiet(source, looks, { signal }) {
      const probed = looks.filter(({ table }) => quiet.has(table));
      if (probed.length < 2) return new Set(); // a scan costs as little
      const startedMs = performance.now();
      const changed = await findChanged(source, probed, signal);
      if (performance.now() - startedMs > QUICK_MS) quiet.clear();
      const tables = probed.map(({ table }) => table);
      return new Set(tables.filter((table) => !changed.has(table)));
    },
    learn(table, { isEmpty, tookMs }) {
      if (isEmpty && tookMs <= QUICK_MS) quiet.add(table);
      else quiet.delete(table);
    },
  };
}
