/**
 * Random programs and random expressions on random packets, asked of all judges, until the number of
 * pairs or the time is reached: scripts/soak-filter tells the options.
 */
import { parseArgs } from 'node:util';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import type { RawProgram } from '../../../src/filter/cbpf.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { list } from '../../../src/filter/list.ts';
import { varStackRead } from '../../../src/judge/features.ts';
import { randomFrom } from '../../unit/filter/support/random-program.ts';
import { Judges, type Question } from './four.ts';
import {
  mutatedPacket,
  type Random,
  randomExpression,
  randomPacket,
  randomProgram,
  type Sample,
} from './random.ts';
import { type FirstFailing, shrink } from './shrink.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    minutes: { type: 'string', default: '60' },
    programs: { type: 'string', default: '40' },
    packets: { type: 'string', default: '250' },
  },
});
const wanted = Number(values.pairs);
const seed = Number(values.seed);
const deadline = Date.now() + Number(values.minutes) * 60_000;
const perBatch = Number(values.programs);
const perProgram = Number(values.packets);
const pcap = openLibpcap();
/** Where the verifier allows both forms of stack reads, both are asked. */
const forms = varStackRead() ? [true, false] : [false];

interface Draw extends Question {
  readonly draw: (random: Random) => Sample;
}

function drawQuestion(random: Random, name: string): Draw {
  const kind = random(2);
  if (kind === 0) return { name, program: randomProgram(random), draw: randomPacket };
  const linkType = random(2) === 0 ? 1 : 12;
  const { text, program } = randomExpression(random, pcap, linkType);
  return {
    name: `${name}: link type ${linkType}: ${text}`,
    program,
    draw: (again) => mutatedPacket(again, linkType),
  };
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** Whether a compiler or the verifier refuses a program, and why. */
async function refusal(program: RawProgram, varStack: boolean): Promise<string | undefined> {
  try {
    const judges = await Judges.build([{ name: '', program }], { varStack, native: true });
    judges[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function isValid(program: RawProgram): boolean {
  try {
    compileFilter(program, { symbol: 'f' });
    return true;
  } catch {
    return false;
  }
}

const firstRefused =
  (varStack: boolean): FirstFailing =>
  async (candidates) => {
    for (const [i, { program }] of candidates.entries()) {
      if (isValid(program) && (await refusal(program, varStack)) !== undefined) return i;
    }
    return undefined;
  };

/** All programs of the candidates in one compilation; a packet's own candidates share theirs. */
const firstDifferent =
  (varStack: boolean): FirstFailing =>
  async (candidates) => {
    const programs = [...new Set(candidates.map(({ program }) => program))].filter(isValid);
    const questions = programs.map((program) => ({ name: '', program }));
    const judges = await Judges.build(questions, { varStack, native: true });
    const found = candidates.findIndex(({ program, packet, wireLength }) => {
      const index = programs.indexOf(program);
      return index >= 0 && judges.compare(index, packet, wireLength) !== undefined;
    });
    judges[Symbol.dispose]();
    return found < 0 ? undefined : found;
  };

async function report(question: Question, varStack: boolean, why: string, sample?: Sample) {
  say(`DIFFERENCE in ${question.name}, variable stack reads ${varStack}: ${why}`);
  const { bytes: packet, wireLength } = sample ?? { bytes: new Uint8Array(), wireLength: 0 };
  const fails = sample === undefined ? firstRefused(varStack) : firstDifferent(varStack);
  const small = await shrink({ program: question.program, packet, wireLength }, fails);
  say(
    `shrunk to packet ${Buffer.from(small.packet).toString('hex')} of ${small.wireLength}, program`,
  );
  say(list(small.program, 'd').join('\n'));
  say(JSON.stringify(small.program));
}

const sums = { pairs: 0, programs: 0, matched: 0, libpcapApart: 0, differences: 0 };
const started = Date.now();
/** Each difference is shrunk, which takes a while: some are enough. */
const MOST_DIFFERENCES = 5;
const mayGoOn = (): boolean =>
  sums.pairs < wanted && sums.differences < MOST_DIFFERENCES && Date.now() < deadline;
for (let batch = 0; mayGoOn(); batch += 1) {
  // Each batch has a seed of its own, so that it can be run again alone.
  const batchSeed = (seed + batch) >>> 0;
  const random = randomFrom(batchSeed);
  const questions = Array.from({ length: perBatch }, (_, i) =>
    drawQuestion(random, `seed ${batchSeed}, program ${i}`),
  );
  const varStack = forms[batch % forms.length] ?? false;
  let judges: Judges;
  try {
    judges = await Judges.build(questions, { varStack, native: true });
  } catch (error) {
    say(`seed ${batchSeed}: ${error instanceof Error ? error.message : String(error)}`);
    for (const question of questions) {
      const why = await refusal(question.program, varStack);
      if (why === undefined) continue;
      sums.differences += 1;
      await report(question, varStack, `refused: ${why}`);
    }
    continue;
  }
  for (const [index, question] of questions.entries()) {
    for (let n = 0; n < perProgram; n += 1) {
      const sample = question.draw(random);
      const why = judges.compare(index, sample.bytes, sample.wireLength);
      if (why === undefined) continue;
      sums.differences += 1;
      await report(question, varStack, why, sample);
      break;
    }
  }
  sums.programs += questions.length;
  sums.pairs += judges.asked.pairs;
  sums.matched += judges.asked.matched;
  sums.libpcapApart += judges.asked.libpcapApart;
  judges[Symbol.dispose]();
  if (batch % 10 === 9) progress();
}

function progress(): void {
  const seconds = Math.round((Date.now() - started) / 1000);
  say(
    `${sums.pairs} pairs of ${sums.programs} programs, ${sums.matched} matched, ${sums.libpcapApart} without libpcap, ${sums.differences} differences, seed ${seed}, ${seconds} s`,
  );
}

progress();
process.exit(sums.differences === 0 ? 0 : 1);
