// A small line over weeks, and bars. What it draws stands in a table beside it, so the drawing itself is decoration for who cannot see it.
export interface Point { label: string; value: number | null }

const width = 220, height = 72, pad = 6;

export function Line({ points, target, label }: { points: Point[]; target?: number | null; label: string }) {
  const values = points.flatMap((point) => (point.value === null ? [] : [point.value]));
  const all = target === null || target === undefined ? values : [...values, target];
  if (values.length === 0) return <svg className="chart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} />;
  const least = Math.min(...all), most = Math.max(...all), span = most - least || 1;
  const x = (index: number) => (points.length === 1 ? width / 2 : pad + (index * (width - 2 * pad)) / (points.length - 1));
  const y = (value: number) => height - pad - ((value - least) / span) * (height - 2 * pad);
  // A week without data breaks the line.
  const path = points.map((point, index) => (point.value === null ? "" : `${index > 0 && points[index - 1]?.value !== null ? "L" : "M"}${x(index).toFixed(1)} ${y(point.value).toFixed(1)}`)).join("");
  return (
    <svg className="chart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {target !== null && target !== undefined && <line className="chart-target" x1={pad} x2={width - pad} y1={y(target)} y2={y(target)} />}
      <path className="chart-line" d={path} />
      {points.map((point, index) => point.value !== null && <circle key={point.label} className="chart-dot" cx={x(index)} cy={y(point.value)} r="2.5" />)}
    </svg>
  );
}

// One bar a mark, from zero, to the left for what is below it.
export function Bars({ marks, label, shown }: { marks: readonly { label: string; value: number }[]; label: string; shown: (value: number) => string }) {
  const row = 22, names = 150, whole = 600, room = whole - names - 70;
  const least = Math.min(0, ...marks.map((mark) => mark.value)), most = Math.max(0, ...marks.map((mark) => mark.value)), span = most - least || 1;
  const x = (value: number) => names + ((value - least) / span) * room;
  const cut = (text: string) => (text.length > 22 ? `${text.slice(0, 21)}…` : text);
  return (
    <svg className="chart-bars" viewBox={`0 0 ${whole} ${marks.length * row}`} role="img" aria-label={label}>
      {marks.map((mark, index) => (
        <g key={index} transform={`translate(0 ${index * row})`}>
          <text x={names - 8} y={row - 7} textAnchor="end">{cut(mark.label)}</text>
          <rect x={Math.min(x(0), x(mark.value))} y="4" width={Math.max(1, Math.abs(x(mark.value) - x(0)))} height={row - 8} rx="2" />
          <text x={Math.max(x(0), x(mark.value)) + 6} y={row - 7}>{shown(mark.value)}</text>
        </g>))}
    </svg>
  );
}
