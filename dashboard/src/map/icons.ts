/** The level marks as images for the map: the same shapes, colours and digits as everywhere else. */
import { COLOUR, digitOf, LEVELS, rankOf, SHAPE } from '../level';
import type { Level } from '../live/wire';

const SIZE = 40;

export interface LevelImage {
  readonly name: string;
  readonly image: ImageData;
}

export function levelImages(): LevelImage[] {
  return LEVELS.flatMap((level) => {
    const image = draw(level);
    return image ? [{ name: `level-${rankOf(level)}`, image }] : [];
  });
}

function draw(level: Level): ImageData | null {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext('2d');
  if (!pen) return null;
  const scale = SIZE / 22;
  pen.setTransform(scale, 0, 0, scale, scale, scale);
  pen.beginPath();
  if (level === 'blue') pen.arc(10, 10, 9.3, 0, 2 * Math.PI);
  else {
    SHAPE[level].split(' ').forEach((corner, place) => {
      const [x = 0, y = 0] = corner.split(',').map(Number);
      if (place === 0) pen.moveTo(x, y);
      else pen.lineTo(x, y);
    });
    pen.closePath();
  }
  pen.fillStyle = COLOUR[level];
  pen.fill();
  pen.lineWidth = 1;
  pen.strokeStyle = '#0b1016';
  pen.stroke();
  pen.fillStyle = level === 'red' ? '#fff' : '#10161d';
  pen.font = '700 12px sans-serif';
  pen.textAlign = 'center';
  pen.fillText(String(digitOf(level)), 10, level === 'orange' ? 16.2 : 14.3);
  return pen.getImageData(0, 0, SIZE, SIZE);
}
