import { differences, type Difference } from '../../packet/differences.ts';
import { asciiJson, JSON_SCHEMA_VERSION } from '../json.ts';
import { endCounts, type Gathered, type Step } from './gatherer.ts';

/** One object a packet: docs/tracking.md. */
export function gatheredJson(packet: Gathered): string {
  const { steps, missing, more, closing } = packet;
  const [first] = steps;
  const drop = steps.findLast(({ hook }) => hook === 'drop');
  const last = drop ?? steps.at(-1);
  const end = closing === 'freed' ? (drop === undefined ? 'consumed' : 'dropped') : closing;
  return `${asciiJson({
    schema: JSON_SCHEMA_VERSION,
    packet_id: Number(packet.id),
    time: String(first?.timeNs ?? 0n),
    steps: steps.map((step, i) => stepJson(step, first, steps[i - 1])),
    ...(more === 0 ? {} : { more }),
    not_received: missing,
    end,
    ...endCounts(steps),
    ...(end !== 'dropped' ? {} : { reason: last?.reason, location: last?.location }),
  })}\n`;
}

function stepJson(step: Step, first: Step | undefined, before: Step | undefined): object {
  const { hook, iface, netns, netnsName, reason, location, outcome, skb, wireLength, data } = step;
  return {
    hook,
    offset_ns: Number(step.timeNs - (first?.timeNs ?? step.timeNs)),
    ...{ iface, netns, netns_name: netnsName, outcome, reason, location },
    skb: `0x${skb.toString(16)}`,
    ...{ link: step.linkType, len: wireLength, packet: Buffer.from(data).toString('hex') },
    changes: before === undefined ? [] : differences(before, step).map(changeJson),
  };
}

function changeJson(difference: Difference): object {
  switch (difference.kind) {
    case 'added':
    case 'removed':
      return {
        [difference.kind]: difference.layers.map(({ name, fields }) => ({
          layer: name,
          ...fields,
        })),
      };
    case 'field': {
      const { field, from, to } = difference;
      return { field, from, to };
    }
    case 'payload':
      return { payload: { at: difference.at, bytes: difference.bytes } };
    case 'other':
      return { other: true };
  }
}
