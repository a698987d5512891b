import { describe, expect, test } from 'vitest';
import type { OptionStatus } from '../../../src/cli/option-spec.ts';
import { OPTIONS, optionsOf } from '../../../src/cli/options.ts';

describe('the option table', () => {
  test.each(['capture', 'build', 'filter', 'reasons', 'top'] as const)(
    'names nothing twice for %s',
    (command) => {
      const options = optionsOf(command);
      for (const names of [
        options.map(({ key }) => key),
        options.flatMap(({ long }) => long ?? []),
        options.flatMap(({ short }) => short ?? []),
      ]) {
        expect(names).toEqual([...new Set(names)]);
      }
    },
  );

  test.each<[OptionStatus, string]>([
    ['built', '-i -w -c -s -B -e -v -q -x -X -A -t -l -U -F -y -d -D -h -S -O'],
    ['built', '--hook --pid --tid --comm --uid --netns --ifname --reason --mark --help --version'],
    [
      'built',
      '--duration --sample --stack --track --max-overhead --dry-run --ready-file --color --utc --json --format --print',
    ],
    ['accepted', '-n -p -K -b -f -H -N -u --immediate-mode --nano --time-stamp-precision'],
    ['not-yet', '--max-rate -r -C -G -W -z -Q'],
    ['refused', '-Z -# -I -j -J -L -m -M -T -E -V --micro --count'],
  ])('has as %s: %s', (status, names) => {
    for (const name of names.split(' ')) {
      const option = optionsOf('capture').find(
        ({ long, short }) => `--${long ?? ''}` === name || `-${short ?? ''}` === name,
      );
      expect([name, option?.status]).toEqual([name, status]);
    }
  });

  test('names every option of tcpdump 4.99', () => {
    const letters = 'ABCDEFGHIJKLMNOQSTUVWXZbcdefhijlmnpqrstuvwxyz#'.split('');
    const shorts = optionsOf('capture').map(({ short }) => short);
    expect(letters.filter((letter) => !shorts.includes(letter))).toEqual([]);
  });

  test('says why an option is refused', () => {
    const silent = OPTIONS.filter(({ status, why }) => status === 'refused' && why === undefined);
    expect(silent).toEqual([]);
  });

  test('names existing options as conflicts', () => {
    const keys = OPTIONS.map(({ key }) => key);
    const unknown = OPTIONS.flatMap(({ conflicts }) => conflicts ?? []).filter(
      (key) => !keys.includes(key),
    );
    expect(unknown).toEqual([]);
  });
});
