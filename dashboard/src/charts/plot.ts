/** One small time plot with level bands behind the line. */
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { minuteOf, valueOf } from '../format';
import { COLOUR } from '../level';
import { fillOf, valueRange, type Band } from './bands';

const INK = '#9dadbd';
/** The plot spans at least this, so that a young series does not look like noise. */
const MIN_SPAN_S = 300;
const MAX_SPAN_S = 3_600;

export class Plot {
  readonly #plot: UPlot;
  #bands: readonly Band[] = [];

  constructor(target: HTMLElement, width: number, height: number) {
    const axis = { stroke: INK, font: '11px sans-serif', ticks: { show: false }, grid: { stroke: '#1f2a36', width: 1 } };
    this.#plot = new UPlot(
      {
        width,
        height,
        legend: { show: false },
        cursor: { show: false },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        padding: [6, 8, 0, 0],
        scales: {
          x: { time: true, range: (_plot, from, to) => span(from, to) },
          y: { range: (_plot, low, high) => valueRange(low, high, this.#bands) },
        },
        axes: [
          { ...axis, size: 22, space: 70, values: (_plot, splits) => splits.map((second) => minuteOf(second * 1_000)), grid: { show: false } },
          { ...axis, size: 40, space: 26, values: (_plot, splits) => splits.map((value) => valueOf(value)) },
        ],
        series: [{}, { stroke: '#dfe7ee', width: 1.3, points: { show: false }, spanGaps: false }],
        hooks: { drawClear: [(plot) => this.#drawBands(plot)] },
      },
      [[], []],
      target,
    );
  }

  draw(times: number[], values: (number | null)[], bands: readonly Band[]): void {
    this.#bands = bands;
    this.#plot.setData([times, values]);
  }

  resize(width: number, height: number): void {
    if (width > 0 && height > 0) this.#plot.setSize({ width, height });
  }

  destroy(): void {
    this.#plot.destroy();
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

function span(from: number | null, to: number | null): [number, number] {
  const end = to ?? Date.now() / 1_000;
  const start = Math.min(from ?? end, end - MIN_SPAN_S);
  return [Math.max(start, end - MAX_SPAN_S), end];
}
