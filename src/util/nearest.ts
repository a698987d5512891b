/**
 * The candidates that `word` most likely meant, best first: those that it begins or is part of, and
 * those at few edits. Case does not count.
 */
export function nearest(word: string, candidates: Iterable<string>, most = 3): string[] {
  const wanted = word.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const found: { readonly candidate: string; readonly score: number }[] = [];
  for (const candidate of candidates) {
    const score = scoreOf(wanted, candidate.toLowerCase(), limit);
    if (score !== undefined) found.push({ candidate, score });
  }
  found.sort((a, b) => a.score - b.score || a.candidate.length - b.candidate.length);
  return found.slice(0, most).map(({ candidate }) => candidate);
}

/** Lower is nearer; undefined is not near. */
function scoreOf(wanted: string, candidate: string, limit: number): number | undefined {
  const distance = editDistance(wanted, candidate, limit);
  if (distance !== undefined) return distance;
  // A beginning is what completion would have offered; a part is the weakest sign.
  if (wanted.length >= 2 && candidate.startsWith(wanted)) return limit + 1;
  if (wanted.length >= 3 && candidate.includes(wanted)) return limit + 2;
  return undefined;
}

/**
 * Edits between two words: insert, delete, replace, swap of neighbours, no letter edited twice
 * (optimal string alignment). Undefined when there are more than `limit`.
 */
export function editDistance(left: string, right: string, limit: number): number | undefined {
  if (Math.abs(left.length - right.length) > limit) return undefined;
  let before: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 &&
        column > 1 &&
        left[row - 1] === right[column - 2] &&
        left[row - 2] === right[column - 1];
      if (swapped) best = Math.min(best, (before[column - 2] ?? 0) + 1);
      current.push(best);
      least = Math.min(least, best);
    }
    // A swap reaches two rows back, so one row above the limit is not the end yet.
    if (least > limit + 1) return undefined;
    before = previous;
    previous = current;
  }
  const distance = previous[right.length] ?? 0;
  return distance <= limit ? distance : undefined;
}
