import type { JSX, TargetedPointerEvent } from "preact";
import { useState } from "preact/hooks";
import {
  placeToX,
  plotLines,
  type Point,
  type Series,
  summarize,
  xToPlace,
} from "./plot.ts";
import { formatDuration, formatMoment } from "./words.ts";

/** What a chart shows, and how its values are written. */
export interface ChartProps {
  readonly title: string;
  /** The newest last; null where it was not known. */
  readonly values: readonly (number | null)[];
  readonly periodSeconds: number;
  /** The moment of the last value, in ISO 8601. */
  readonly endedAt: string;
  /** The value at the top is at least that. */
  readonly leastTop: number;
  format(value: number): string;
  roundUp(value: number): number;
}

const WIDTH = 1_000;
const HEIGHT = 100;
/** The width is the least of these that all values have room in; the agent keeps an hour. */
const SPANS_SECONDS = [600, 1_800, 3_600];
/** A row of the table. */
const STRETCH_SECONDS = 300;

/** A line over the last hour, or less where less is known. Its figures are also a table, for who cannot see or point. */
export function Chart(props: ChartProps): JSX.Element {
  const { title, values, periodSeconds, leastTop, format, roundUp } = props;
  const [pointed, point] = useState<number>();
  const spanSeconds =
    SPANS_SECONDS.find((span) => span >= values.length * periodSeconds) ??
      3_600;
  const capacity = Math.round(spanSeconds / periodSeconds);
  const series: Series = { values: values.slice(-capacity), capacity };
  const known = series.values.filter((value) => value !== null);
  const most = Math.max(leastTop, ...known);
  const top = roundUp(most);
  const lines = plotLines(series, top);
  const place = pointed === undefined ? undefined : xToPlace(series, pointed);

  function followPointer(
    { currentTarget, clientX }: TargetedPointerEvent<SVGSVGElement>,
  ): void {
    const { left, width } = currentTarget.getBoundingClientRect();
    point(Math.min(Math.max((clientX - left) / width, 0), 1));
  }

  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-value">
          {place === undefined
            ? tellRange(series.values, format)
            : tellValue(props, series, place)}
        </span>
      </figcaption>
      <div class="chart-area">
        {known.length === 0
          ? <span class="chart-empty">The first value comes in a moment</span>
          : <span class="chart-top" aria-hidden="true">{format(top)}</span>}
        <svg
          role="img"
          aria-hidden={known.length === 0}
          aria-label={`${title} over the last ${formatDuration(spanSeconds)}: ${
            tellRange(series.values, format)
          }`}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          onPointerMove={followPointer}
          onPointerLeave={() => point(undefined)}
        >
          <path class="chart-grid" d={`M0 ${HEIGHT / 2}H${WIDTH}`} />
          {lines.map((line, place) => (
            <path key={place} class="chart-fill" d={drawFill(line)} />
          ))}
          {lines.map((line, place) => (
            <path key={place} class="chart-line" d={drawLine(line)} />
          ))}
          {place !== undefined && (
            <path
              class="chart-cursor"
              d={`M${WIDTH * placeToX(series, place)} 0V${HEIGHT}`}
            />
          )}
        </svg>
      </div>
      <p class="chart-axis" aria-hidden="true">
        <span>{formatDuration(spanSeconds)} ago</span>
        <span>{formatDuration(spanSeconds / 2)} ago</span>
        <span>now</span>
      </p>
      {known.length > 0 && <Figures {...props} values={series.values} />}
    </figure>
  );
}

/** The figures of a chart in stretches of five minutes. */
function Figures(
  { title, values, periodSeconds, endedAt, format }: ChartProps,
): JSX.Element {
  const length = Math.max(1, Math.round(STRETCH_SECONDS / periodSeconds));
  const startOf = (steps: number) =>
    new Date(Date.parse(endedAt) - steps * periodSeconds * 1_000).toISOString();
  const show = (value: number | null) =>
    value === null ? "not known" : format(value);
  return (
    <details>
      <summary>{title} as a table</summary>
      <table>
        <caption class="unseen">
          {title}, in stretches of {formatDuration(STRETCH_SECONDS)}
        </caption>
        <thead>
          <tr>
            <th scope="col">Until</th>
            <th scope="col" class="number">On average</th>
            <th scope="col" class="number">At most</th>
          </tr>
        </thead>
        <tbody>
          {summarize(values, length).map(({ to, mean, most }) => (
            <tr key={to}>
              <th scope="row">{formatMoment(startOf(to), endedAt)}</th>
              <td class="number">{show(mean)}</td>
              <td class="number">{show(most)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function tellRange(
  values: readonly (number | null)[],
  format: (value: number) => string,
): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "";
  const now = values.at(-1) ?? null;
  const most = `${format(Math.max(...known))} at most`;
  return now === null ? most : `${format(now)} now, ${most}`;
}

function tellValue(
  { periodSeconds, endedAt, format }: ChartProps,
  { values }: Series,
  place: number,
): string {
  const value = values[place] ?? null;
  const ageMs = (values.length - 1 - place) * periodSeconds * 1_000;
  const moment = new Date(Date.parse(endedAt) - ageMs).toISOString();
  const shown = value === null ? "not known" : format(value);
  return `${formatMoment(moment, endedAt)}: ${shown}`;
}

function drawLine(line: readonly Point[]): string {
  const [first, ...others] = line.map(({ x, y }) =>
    `${(x * WIDTH).toFixed(1)} ${((1 - y) * HEIGHT).toFixed(1)}`
  );
  // a point alone is seen as a dot
  return others.length === 0 ? `M${first}h0` : `M${first}L${others.join("L")}`;
}

function drawFill(line: readonly Point[]): string {
  const left = ((line[0]?.x ?? 0) * WIDTH).toFixed(1);
  const right = ((line.at(-1)?.x ?? 0) * WIDTH).toFixed(1);
  return `${drawLine(line)}L${right} ${HEIGHT}H${left}Z`;
}
