import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Growth } from './growth.ts';

/** A text in gnuplot's double quotes. */
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '')}"`;

/** Median as a line, and the span of the runs around it. */
function script({ title, xLabel, yLabel, logX, lines }: Growth, file: string): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))];
  const tics = xs.map((x) => `${quoted(x.toLocaleString('en'))} ${x}`);
  return [
    "set terminal svg size 760,420 dynamic font 'sans-serif,13' background rgb 'white'",
    `set output ${quoted(file)}`,
    `set title ${quoted(title)}`,
    `set xlabel ${quoted(xLabel)}`,
    `set ylabel ${quoted(yLabel)}`,
    ...(logX ? ['set logscale x'] : []),
    `set xtics (${tics.join(', ')})`,
    'set yrange [0:*]',
    'set grid ytics',
    'set key top left',
    ...lines.map(({ points }, i) =>
      [
        `$line${i} << END`,
        ...points.map(({ x, y }) => `${x} ${y.median} ${y.min} ${y.max}`),
        'END',
      ].join('\n'),
    ),
    `plot ${lines
      .map(
        ({ label }, i) =>
          `$line${i} using 1:2:3:4 with yerrorlines linewidth 2 pointtype 7 pointsize 0.5 title ${quoted(label)}`,
      )
      .join(', ')}`,
    '',
  ].join('\n');
}

function gnuplot(args: readonly string[], input: string, wanted: string): void {
  const { status, stderr, error } = spawnSync('gnuplot', args, { input, encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`${wanted}: gnuplot: ${error?.message ?? stderr}: apt-get install gnuplot-nox`);
}

/** @throws Error when pictures cannot be drawn here */
export function requireGnuplot(): void {
  gnuplot(['--version'], '', '--plot');
}

/** Draws each as DIRECTORY/growth-NAME.svg, by gnuplot. @returns the files */
export function plotGrowth(growths: readonly Growth[], directory: string): readonly string[] {
  return growths.map((growth) => {
    const file = join(directory, `growth-${growth.name}.svg`);
    gnuplot([], script(growth, file), `drawing ${file}`);
    return file;
  });
}
