/** How many pictures can be compared. */
const LEAST = 2;
const MOST = 4;

/** Why `count` chosen pictures are not compared, as a sentence for the reader; "" where they can be. */
export function whyNotCompared(count: number): string {
  if (count < LEAST) return `Select ${LEAST} to ${MOST} pictures to compare`;
  return count > MOST ? `Compare takes ${LEAST} to ${MOST} pictures; ${count} are selected` : "";
}
