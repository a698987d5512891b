import { describeDifference, differences } from '../../packet/differences.ts';
import { summarizePacket } from '../../packet/summary.ts';
import { escapeText } from '../../util/escape.ts';
import type { TimestampFormatter } from '../timestamp.ts';
import { endCounts, type Closing, type Gathered, type Step } from './gatherer.ts';

const UNSEEN: Readonly<Record<Exclude<Closing, 'freed'>, string>> = {
  waited: 'no end seen: not waited for any longer',
  room: 'no end seen: too many packets at a time',
  ended: 'no end seen before the run ended',
};

/** The block of a packet: a line for each hook, with the time from the first and what has changed since the one before. */
export function gatheredText(packet: Gathered, time: TimestampFormatter): string {
  const [first] = packet.steps;
  if (first === undefined) return '';
  const { text } = summarizePacket(first.data, {
    ...{ linkType: first.linkType, wireLength: first.wireLength, link: false, verbose: 0 },
    ...{ quiet: false, absoluteSequence: true },
  });
  const rows = packet.steps.map((step) => [
    sinceFirst(step, first),
    place(step),
    escapeText(step.hook),
  ]);
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = packet.steps.map((step, i) => {
    const columns = (rows[i] ?? []).map((cell, column) =>
      column === 0 ? cell.padStart(widths[0] ?? 0) : cell.padEnd(widths[column] ?? 0),
    );
    return `    ${[...columns, ...remarks(step, packet.steps[i - 1])].join('  ').trimEnd()}`;
  });
  return [
    `${time.format(first.timeNs)}id=${packet.id} ${text}`,
    ...lines,
    ...(packet.more > 0 ? [`    and ${packet.more} more events`] : []),
    ...packet.missing.map((hook) => `    NOT received at ${escapeText(hook)}`),
    `    ${endText(packet)}`,
    '',
  ].join('\n');
}

function remarks(step: Step, before: Step | undefined): readonly string[] {
  const said = [step.outcome, step.reason, step.location].flatMap((each) =>
    each === undefined ? [] : [escapeText(each)],
  );
  if (before === undefined) return said.length === 0 ? [] : [said.join(' ')];
  const changes = differences(before, step).map(describeDifference);
  return [[...said, changes.join(', ')].join(' ').trim()];
}

/** How the packet ended, in words. */
export function endText({ steps, closing }: Gathered): string {
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return '';
  if (closing !== 'freed') return UNSEEN[closing];
  const drop = steps.findLast(({ hook }) => hook === 'drop');
  const { dropped, consumed } = endCounts(steps);
  if (dropped + consumed > 1) {
    const counts = [
      ...(consumed > 0 ? [`${consumed} consumed`] : []),
      ...(dropped > 0 ? [`${dropped} DROPPED`] : []),
    ];
    return `${dropped + consumed} copies: ${counts.join(', ')}, the last ${sinceFirst(last, first)} at ${place(last)}`;
  }
  if (drop === undefined) return `consumed ${sinceFirst(last, first)} at ${place(last)}`;
  const why = [drop.reason, drop.location].flatMap((each) => each ?? []).join(' ');
  return `DROPPED ${sinceFirst(drop, first)} at ${place(drop)}${why === '' ? '' : `: ${escapeText(why)}`}`;
}

const place = ({ iface, netnsLabel }: Step): string =>
  `${escapeText(iface ?? '?')}${netnsLabel === undefined ? '' : `@${escapeText(netnsLabel)}`}`;

/** `+0`, `+12.3us`, `+4.5ms`, `+1.2s` */
function sinceFirst({ timeNs }: Step, first: Step): string {
  const ns = Number(timeNs - first.timeNs);
  if (ns === 0) return '+0';
  const [unit, size] =
    ns < 1e6 ? (['us', 1e3] as const) : ns < 1e9 ? (['ms', 1e6] as const) : (['s', 1e9] as const);
  return `+${(ns / size).toFixed(1)}${unit}`;
}
