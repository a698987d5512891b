import { layersOf, type Layer, type Layers } from './layers.ts';

/** One thing that is not as it was before. */
export type Difference =
  | {
      readonly kind: 'field';
      readonly field: string;
      readonly from: string | number;
      readonly to: string | number;
    }
  /** Headers that were put around the packet, or taken off: from the outside in. */
  | { readonly kind: 'added' | 'removed'; readonly layers: readonly Layer[] }
  /** Bytes behind the last header that is known, from the first of them on. */
  | { readonly kind: 'payload'; readonly at: number; readonly bytes: number }
  /** The headers have nothing in common. */
  | { readonly kind: 'other' };

/** A packet's bytes at a hook. */
export interface Snapshot {
  readonly data: Uint8Array;
  readonly linkType: 'ethernet' | 'raw';
}

const TUNNELS = new Set<Layer['name']>(['ip', 'ip6', 'udp', 'gre', 'vxlan', 'geneve']);

/**
 * What became of a packet between two hooks. A link header that is there at one of them only is no difference:
 * the kernel takes it off and puts it on.
 */
export function differences(before: Snapshot, after: Snapshot): readonly Difference[] {
  const [a, b] = [before, after].map(({ data, linkType }) => layersOf(data, linkType));
  if (a === undefined || b === undefined) return [];
  if (a.layers.length === 0 || b.layers.length === 0) return payload(before, a, after, b);
  const common = sharedEnd(a.layers, b.layers);
  if (common === 0) return [{ kind: 'other' }];
  const removed = a.layers.slice(0, a.layers.length - common);
  const added = b.layers.slice(0, b.layers.length - common);
  return [
    ...outer('removed', removed),
    ...outer('added', added),
    ...a.layers.slice(-common).flatMap((layer, i) => fields(layer, b.layers.at(i - common))),
    ...payload(before, a, after, b),
  ];
}

/** How many headers, from the innermost one out, are of the same kinds. */
function sharedEnd(a: readonly Layer[], b: readonly Layer[]): number {
  let count = 0;
  while (count < Math.min(a.length, b.length)) {
    if (a.at(-1 - count)?.name !== b.at(-1 - count)?.name) break;
    count++;
  }
  return count;
}

function outer(kind: 'added' | 'removed', layers: readonly Layer[]): readonly Difference[] {
  const shown = layers.filter(
    ({ name }) =>
      name === 'vlan' || layers.some((each) => TUNNELS.has(each.name) && name !== 'eth'),
  );
  return shown.length === 0 ? [] : [{ kind, layers: shown }];
}

function fields(before: Layer, after: Layer | undefined): readonly Difference[] {
  return Object.entries(before.fields).flatMap(([name, from]): readonly Difference[] => {
    const to = after?.fields[name];
    if (to === undefined || to === from) return [];
    return [{ kind: 'field', field: `${before.name}.${name}`, from, to }];
  });
}

function payload(before: Snapshot, a: Layers, after: Snapshot, b: Layers): readonly Difference[] {
  const [from, to] = [before.data.subarray(a.payloadAt), after.data.subarray(b.payloadAt)];
  let at = -1;
  let bytes = 0;
  for (let i = 0; i < Math.min(from.length, to.length); i++) {
    if (from[i] === to[i]) continue;
    if (at < 0) at = i;
    bytes++;
  }
  return bytes === 0 ? [] : [{ kind: 'payload', at, bytes }];
}

/** `ip.dst 10.0.0.1 -> 10.0.0.2`, `+ vxlan 5 over udp 40000 > 4789 over ip 10.1.0.1 > 10.1.0.2`. */
export function describeDifference(difference: Difference): string {
  switch (difference.kind) {
    case 'field':
      return `${difference.field} ${difference.from} -> ${difference.to}`;
    case 'added':
      return `+ ${difference.layers.toReversed().map(describeLayer).join(' over ')}`;
    case 'removed':
      return `- ${difference.layers.toReversed().map(describeLayer).join(' over ')}`;
    case 'payload':
      return `payload: ${difference.bytes} byte${difference.bytes === 1 ? '' : 's'} from ${difference.at} on`;
    case 'other':
      return 'other headers altogether';
  }
}

/** `ip 10.0.0.1 > 10.0.0.2`, `udp 40000 > 4789`, `vxlan 5`. */
export function describeLayer({ name, fields: of }: Layer): string {
  switch (name) {
    case 'vlan':
      return `vlan ${of['id'] ?? ''}`;
    case 'vxlan':
    case 'geneve':
      return `${name} ${of['vni'] ?? ''}`;
    case 'tcp':
    case 'udp':
      return `${name} ${of['sport'] ?? ''} > ${of['dport'] ?? ''}`;
    case 'gre':
      return of['key'] === undefined ? name : `${name} key ${of['key']}`;
    default:
      return of['src'] === undefined ? name : `${name} ${of['src']} > ${of['dst'] ?? ''}`;
  }
}
