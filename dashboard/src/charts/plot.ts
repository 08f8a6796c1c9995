/** One small time plot that ends at now, with level bands behind the line. */
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { minuteOf, valueOf } from '../format';
import { COLOUR } from '../level';
import { fillOf, valueRange, type Band } from './bands';
import { lonely, type Line } from './gaps';

const INK = '#9dadbd';
const LINE = '#dfe7ee';
/** The plot spans at least this, so that a young series does not look like noise. */
const MIN_SPAN_S = 300;
const MAX_SPAN_S = 3_600;
/** The value range of a yes/no series: room for the line at 0, and above 1 for the value where it stands in the plot. */
const STATE_RANGE: [number, number] = [-0.2, 1.5];

/** How the value axis is written: figures, or for a yes/no series the words of 0 and 1. */
export type Scale = 'figures' | ((value: number) => string);

export class Plot {
  readonly #plot: UPlot;
  #bands: readonly Band[] = [];
  #now = 0;

  constructor(target: HTMLElement, width: number, height: number, private scale: Scale) {
    const states = scale !== 'figures';
    const axis = { stroke: INK, font: '11px sans-serif', ticks: { show: false }, grid: { stroke: '#1f2a36', width: 1 } };
    this.#plot = new UPlot(
      {
        width,
        height,
        legend: { show: false },
        cursor: { show: false },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        // The last time of the axis stands under the right edge and needs half its width.
        padding: [6, 18, 0, 0],
        scales: {
          x: { time: true, range: (_plot, from) => timeRange(from, this.#now) },
          y: { range: (_plot, low, high) => (states ? STATE_RANGE : valueRange(low, high, this.#bands)) },
        },
        axes: [
          { ...axis, size: 22, space: 70, values: (_plot, splits) => splits.map((second) => minuteOf(second * 1_000)), grid: { show: false } },
          { ...axis, size: 40, space: 26, values: (_plot, splits) => splits.map((value) => this.#written(value)), ...(states ? { splits: () => [0, 1] } : {}) },
        ],
        series: [
          {},
          {
            stroke: LINE,
            width: 1.3,
            spanGaps: false,
            points: { show: true, size: 3, width: 0, fill: LINE, filter: (plot) => lonely(plot.data[1] ?? []) },
            // Between two answers a yes/no series has no value in between.
            ...(states && UPlot.paths.stepped ? { paths: UPlot.paths.stepped({ align: 1 }) } : {}),
          },
        ],
        hooks: { drawClear: [(plot) => this.#drawBands(plot)] },
      },
      [[], []],
      target,
    );
  }

  /** `now` in seconds: where the time axis ends, whenever the last reading was. */
  draw(line: Line, bands: readonly Band[], now: number, scale: Scale): void {
    this.#bands = bands;
    this.#now = now;
    this.scale = scale;
    this.#plot.setData([line.times, line.values]);
  }

  resize(width: number, height: number): void {
    if (width > 0 && height > 0) this.#plot.setSize({ width, height });
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #written(value: number): string {
    return this.scale === 'figures' ? valueOf(value) : this.scale(value);
  }

  #drawBands(plot: UPlot): void {
    const { ctx, bbox } = plot;
    const clamp = (pixel: number): number => Math.max(bbox.top, Math.min(bbox.top + bbox.height, pixel));
    const y = (value: number): number =>
      value === Infinity ? bbox.top : value === -Infinity ? bbox.top + bbox.height : clamp(plot.valToPos(value, 'y', true));
    ctx.save();
    for (const band of this.#bands) {
      const [top, bottom] = [y(band.to), y(band.from)];
      ctx.fillStyle = fillOf(band.level);
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
      ctx.fillStyle = COLOUR[band.level];
      ctx.fillRect(bbox.left, y(band.line) - 0.5, bbox.width, 1);
    }
    ctx.restore();
  }
}

/** The time axis: from the first reading, within bounds, to now and never to the last reading: silence must be seen. */
export function timeRange(from: number | null, now: number): [number, number] {
  const start = Math.min(from ?? now, now - MIN_SPAN_S);
  return [Math.max(start, now - MAX_SPAN_S), now];
}
