import type { JSX } from "preact";
import type {
  DeadLetterReport,
  ErrorReport,
  GenerationReport,
  IndexReport,
  TableReport,
} from "../status_report.ts";
import { Id } from "./id.tsx";
import { tellLoad } from "./verdict.ts";
import {
  countOf,
  formatCount,
  formatDuration,
  formatMoment,
  formatWatermark,
  showInvisible,
} from "./words.ts";

/** What an index beside the one that is searched is there for. */
const ROLES = {
  next: "Next: is to be searched once it is full and compared",
  old: "Old: was searched before, and is kept",
};

/** A document of millions of characters would stop the browser. */
const MAX_SHOWN_LENGTH = 20_000;

/** The documents that are refused for good: as many as were told. */
export function DeadLetterTable(
  { deadLetters: { count, newest }, at }: {
    deadLetters: IndexReport["deadLetters"];
    at: string;
  },
): JSX.Element | null {
  if (count === 0) return null;
  const isPart = newest.length < count;
  return (
    <>
      <h4>Dead letters</h4>
      <table>
        <caption>
          {countOf(count, "document")} refused for good
          {isPart && newest.length > 0 && <>, the newest {newest.length}</>}
        </caption>
        <thead>
          <tr>
            <th scope="col">Document</th>
            <th scope="col">Refused by</th>
            <th scope="col" class="time">At</th>
          </tr>
        </thead>
        <tbody>
          {newest.map((letter) => (
            <DeadLetterRows key={letter.id} letter={letter} today={at} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function DeadLetterRows(
  { letter: { id, type, field, at, document }, today }: {
    letter: DeadLetterReport;
    today: string;
  },
): JSX.Element {
  const shownId = id === "" ? "(an empty text)" : id;
  return (
    <>
      <tr>
        <th scope="row">
          <Id text={shownId} />
        </th>
        <td>
          <Id text={type} />
          {field !== undefined && (
            <>
              {" "}
              in field <Id text={field} />
            </>
          )}
        </td>
        <td class="time">{formatMoment(at, today)}</td>
      </tr>
      {document !== undefined && (
        <tr class="more">
          <td colSpan={3}>
            <details>
              <summary>
                What was sent<span class="unseen">
                  of {showInvisible(shownId)}
                </span>
              </summary>
              <pre>{shorten(showInvisible(document))}</pre>
            </details>
          </td>
        </tr>
      )}
    </>
  );
}

function shorten(text: string): string {
  return text.length <= MAX_SHOWN_LENGTH
    ? text
    : `${text.slice(0, MAX_SHOWN_LENGTH)} … and ${
      formatCount(text.length - MAX_SHOWN_LENGTH)
    } characters more`;
}

/** The last errors, each with what to do about it. */
export function ErrorTable(
  { errors, at }: { errors: readonly ErrorReport[]; at: string },
): JSX.Element | null {
  if (errors.length === 0) return null;
  return (
    <>
      <h4>Last errors</h4>
      <table>
        <caption>The latest of each kind since the agent started</caption>
        <thead>
          <tr>
            <th scope="col">What, and what to do</th>
            <th scope="col" class="time">Last</th>
          </tr>
        </thead>
        <tbody>
          {errors.map(({ kind, message, advice, count, lastAt }) => (
            <tr key={`${kind} ${message}`}>
              <th scope="row">
                {showInvisible(message)}
                <span class="quiet">{showInvisible(advice)}</span>
              </th>
              <td class="time">
                {formatMoment(lastAt, at)}
                {count > 1 && (
                  <span class="quiet">{formatCount(count)} times</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** How far the changes of each watched table are in the index. */
export function WatchedTables(
  { tables, at }: { tables: readonly TableReport[]; at: string },
): JSX.Element | null {
  if (tables.length === 0) return null;
  return (
    <>
      <h4>Watched tables</h4>
      <table>
        <caption>Changes up to here are in the index</caption>
        <thead>
          <tr>
            <th scope="col">Table</th>
            <th scope="col">Up to</th>
            <th scope="col" class="number">Ago</th>
          </tr>
        </thead>
        <tbody>
          {tables.map(({ name, watermark, lagSeconds }) => (
            <tr key={name}>
              <th scope="row">
                <Id text={name} />
              </th>
              <td>
                {watermark === undefined
                  ? "not known"
                  : formatWatermark(watermark, at)}
              </td>
              <td class="number">
                {lagSeconds === undefined ? "–" : formatDuration(lagSeconds)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The other physical indexes of a name. */
export function GenerationTable(
  { generations, at }: {
    generations: readonly GenerationReport[] | undefined;
    at: string;
  },
): JSX.Element | null {
  if (generations === undefined || generations.length === 0) return null;
  return (
    <>
      <h4>Other indexes of this name</h4>
      <table>
        <caption>Physical indexes beside the one that is followed</caption>
        <thead>
          <tr>
            <th scope="col">Index</th>
            <th scope="col">Role</th>
            <th scope="col" class="time">Since</th>
          </tr>
        </thead>
        <tbody>
          {generations.map(({ name, role, since, load }) => (
            <tr key={name}>
              <th scope="row">
                <Id text={name} />
              </th>
              <td>
                {ROLES[role]}
                {load !== undefined && (
                  <span class="quiet">Load: {tellLoad({ load })}</span>
                )}
              </td>
              <td class="time">{formatMoment(since, at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
