import type { JSX } from "preact";
import type { IndexReport } from "../status_report.ts";
import { Icon } from "./icon.tsx";
import { INDEX_STATES } from "./index_section.tsx";
import {
  formatCount,
  formatDuration,
  formatRate,
  showInvisible,
} from "./words.ts";

/** All indexes at a glance, each with a link to what is known of it. */
export function Overview(
  { indexes, anchorOf }: {
    indexes: readonly IndexReport[];
    anchorOf(place: number): string;
  },
): JSX.Element {
  return (
    <table class="overview">
      <caption class="unseen">All indexes</caption>
      <thead>
        <tr>
          <th scope="col">Index</th>
          <th scope="col">State</th>
          <th scope="col" class="number">Lag</th>
          <th scope="col" class="number wide">Last minute</th>
          <th scope="col" class="number">Dead letters</th>
        </tr>
      </thead>
      <tbody>
        {indexes.map((index, place) => (
          <OverviewRow
            key={index.name}
            index={index}
            anchor={anchorOf(place)}
          />
        ))}
      </tbody>
    </table>
  );
}

function OverviewRow(
  { index, anchor }: { index: IndexReport; anchor: string },
): JSX.Element {
  const { name, state, lagSeconds, perSecond, deadLetters } = index;
  const { mood, sign, word } = INDEX_STATES[state];
  return (
    <tr>
      <th scope="row">
        <a href={`#${anchor}`}>
          <bdi>{showInvisible(name)}</bdi>
        </a>
      </th>
      <td class="state" data-mood={mood}>
        <Icon sign={sign} /> {word}
      </td>
      <td class="number">
        {lagSeconds === undefined ? "–" : formatDuration(lagSeconds)}
      </td>
      <td class="number wide">{formatRate(perSecond)}</td>
      <td class="number">{formatCount(deadLetters.count)}</td>
    </tr>
  );
}
