import { describe, expect, it } from 'vitest';
import { list } from '../../src/filter/list.ts';
import { varStackRead } from '../../src/judge/features.ts';
import { type Judges as JudgesType, Judges } from '../support/judges/four.ts';
import { storedObject } from '../support/judges/objects.ts';
import { packetsOf } from '../support/judges/packets.ts';
import { randomPacket, randomProgram } from '../support/judges/random.ts';
import { type TableEntry, tableEntries } from '../support/judges/table.ts';
import { randomFrom } from '../unit/filter/support/random-program.ts';

const guest = process.env['XCAP_GUEST'] !== undefined;
const SEED = Number(process.env['XCAP_FUZZ_SEED'] ?? 20261121);
const BATCH = 60;
/** Of the lengths 0 to 120, each packet is cut to one in so many, another share for each program. */
const CUTS_APART = guest ? 120 : 24;
const PACKETS_APART = guest ? 40 : 1;

/** Where the verifier allows it, the form for older ones is asked too. */
const forms = varStackRead() ? (guest ? [true] : [true, false]) : [false];
const table = tableEntries();
const batches = Array.from({ length: Math.ceil(table.length / BATCH) }, (_, i) =>
  table.slice(i * BATCH, (i + 1) * BATCH),
);

async function build(
  questions: readonly TableEntry[] | Parameters<typeof Judges.build>[0],
  varStack: boolean,
) {
  const object = await storedObject(questions, { varStack, compileMissing: !guest });
  // In a guest that finds nothing compiled, a few will do.
  const asked = object === undefined ? questions.slice(0, 4) : questions;
  const judges = await Judges.build(asked, {
    varStack,
    native: !guest,
    ...(object === undefined ? {} : { object }),
  });
  return { judges, asked };
}

/** Every packet whole, and its share of the cuts. */
function askTable(judges: JudgesType, entry: TableEntry, index: number, first: number): string[] {
  const different: string[] = [];
  packetsOf(entry.linkType).forEach(({ name, bytes }, which) => {
    if ((which + first) % PACKETS_APART !== 0) return;
    const longest = Math.min(120, bytes.length - 1);
    const cuts = [bytes.length];
    for (let cut = (which * 7 + first) % CUTS_APART; cut <= longest; cut += CUTS_APART) {
      cuts.push(cut);
    }
    for (const cut of cuts) {
      const why = judges.compare(index, bytes.subarray(0, cut), bytes.length);
      if (why !== undefined) different.push(`${entry.name}: ${name} cut to ${cut}: ${why}`);
    }
  });
  return different;
}

describe.each(forms)('the judges, with variable stack reads %s,', (varStack) => {
  it.each(batches.map((batch, i) => [i * BATCH, batch] as const))(
    'agree on the table from program %i on',
    async (first, batch) => {
      const { judges, asked } = await build(batch, varStack);
      try {
        const different = asked.flatMap((_, i) => askTable(judges, batch[i]!, i, first + i));
        expect(different.slice(0, 10)).toEqual([]);
        if (asked.length === batch.length) expect(judges.asked.matched).toBeGreaterThan(0);
      } finally {
        judges[Symbol.dispose]();
      }
    },
  );

  it(`agree on random programs and packets (seed ${SEED})`, async () => {
    const random = randomFrom(SEED);
    const questions = Array.from({ length: 60 }, (_, i) => ({
      name: `random program ${i}`,
      program: randomProgram(random),
    }));
    const { judges, asked } = await build(questions, varStack);
    try {
      const different: string[] = [];
      for (const [index, { name, program }] of asked.entries()) {
        for (let n = 0; n < (guest ? 40 : 400); n += 1) {
          const { bytes, wireLength } = randomPacket(random);
          const why = judges.compare(index, bytes, wireLength);
          if (why === undefined) continue;
          const packet = Buffer.from(bytes).toString('hex');
          different.push(`${name}: ${packet}: ${why}\n${list(program, 'd').join('\n')}`);
        }
      }
      expect(different.slice(0, 3)).toEqual([]);
    } finally {
      judges[Symbol.dispose]();
    }
  });
});

it('the table is of more than 400 expressions', () => {
  expect(table.length).toBeGreaterThan(900);
});
